/** The command line of a llama-server: what follows from the plan, and the user's own, which wins. Pure. */
import { type KvType, TandemError } from '../../../domain/index.ts'

export interface ServerWish {
  /** Absolute path of the (first) GGUF file. */
  readonly model: string
  /** By which the API calls it. */
  readonly alias: string
  readonly port: number
  /** `cpu`, `Vulkan0`, or several by how they share the model: `LAYER:Vulkan0(3),Vulkan1(1)`. */
  readonly device: string
  /** Compute threads, at least 1. */
  readonly threads: number
  /** Window of one slot. */
  readonly contextTokens: number
  readonly slots: number
  /** Layers on the device; absent: all that there are. */
  readonly gpuLayers?: number | undefined
  /** Layers whose experts stay on the CPU. */
  readonly cpuExpertLayers?: number | undefined
  readonly kvType?: KvType | undefined
  /** Absolute path of a projector of images. */
  readonly mmproj?: string | undefined
  /** Absolute path of a GGUF that drafts. */
  readonly draft?: string | undefined
}

/** More layers than any model has: every build takes a number, few know `all`. */
const ALL_LAYERS = 999

/** A derived part of the command line, and all names of flags by which a user decides it instead. */
interface Part {
  readonly argv: readonly string[]
  readonly decidedBy: readonly string[]
}

const DEVICE = ['-dev', '--device']
const LAYERS = ['-ngl', '--gpu-layers', '--n-gpu-layers']
const DRAFT_LAYERS = ['-ngld', '--gpu-layers-draft', '--n-gpu-layers-draft', '--spec-draft-ngl']
const SPLIT_MODE = ['-sm', '--split-mode']
const TENSOR_SPLIT = ['-ts', '--tensor-split']
const UI = ['--webui', '--no-webui', '--ui', '--no-ui']

/**
 * @param own the user's arguments one by one, see `splitArguments`
 * @throws TandemError ENGINE_FAILED for a device that cannot be shared so
 */
export function serverArguments(wish: ServerWish, own: readonly string[]): string[] {
  const parts: readonly Part[] = [
    ...deviceParts(wish),
    { argv: ['-c', String(wish.contextTokens * wish.slots)], decidedBy: ['-c', '--ctx-size'] },
    { argv: ['-np', String(wish.slots)], decidedBy: ['-np', '--parallel'] },
    { argv: ['-t', String(wish.threads)], decidedBy: ['-t', '--threads'] },
    ...(wish.kvType === undefined || wish.kvType === 'f16'
      ? []
      : [
          { argv: ['-ctk', wish.kvType], decidedBy: ['-ctk', '--cache-type-k'] },
          { argv: ['-ctv', wish.kvType], decidedBy: ['-ctv', '--cache-type-v'] },
        ]),
    ...(wish.cpuExpertLayers
      ? [
          {
            argv: ['--n-cpu-moe', String(wish.cpuExpertLayers)],
            decidedBy: ['-ncmoe', '--n-cpu-moe', '-cmoe', '--cpu-moe'],
          },
        ]
      : []),
    ...(wish.mmproj === undefined
      ? []
      : [
          {
            argv: ['--mmproj', wish.mmproj],
            decidedBy: ['-mm', '--mmproj', '-mmu', '--mmproj-url', '--no-mmproj', '--no-mmproj-auto'],
          },
        ]),
    ...(wish.draft === undefined
      ? []
      : [
          { argv: ['-md', wish.draft], decidedBy: ['-md', '--model-draft', '--spec-draft-model'] },
          ...draftPlace(wish),
        ]),
    { argv: ['--alias', wish.alias], decidedBy: ['-a', '--alias'] },
    { argv: ['--jinja'], decidedBy: ['--jinja', '--no-jinja'] },
    { argv: ['--metrics'], decidedBy: ['--metrics'] },
    { argv: ['--slots'], decidedBy: ['--slots', '--no-slots'] },
    { argv: ['--no-webui'], decidedBy: UI },
  ]
  const given = new Set(own)
  const derived = parts.filter(({ decidedBy }) => !decidedBy.some((flag) => given.has(flag)))
  return [
    ...['--model', wish.model, '--host', '127.0.0.1', '--port', String(wish.port)],
    ...derived.flatMap(({ argv }) => argv),
    ...own,
  ]
}

/** Where the model is: by itself a draft takes any GPU that the build sees. */
function draftPlace({ device }: ServerWish): Part[] {
  const onCpu = device.toLowerCase() === 'cpu'
  const names = onCpu ? 'none' : (membersOf(device)?.names ?? device)
  return [
    { argv: ['-devd', names], decidedBy: ['-devd', '--device-draft', '--spec-draft-device', ...DEVICE] },
    { argv: ['-ngld', String(onCpu ? 0 : ALL_LAYERS)], decidedBy: [...DRAFT_LAYERS, ...DEVICE] },
  ]
}

/** Of several devices that share the model. */
function membersOf(device: string) {
  const [, mode, list] = /^(LAYER|ROW|TENSOR):(.+)$/i.exec(device) ?? []
  if (mode === undefined || list === undefined) return undefined
  const members = list.split(',').map((member) => /^(.+?)(?:\((\d+)\))?$/.exec(member.trim())!.slice(1))
  return { mode, members, names: members.map(([name]) => name).join(',') }
}

function deviceParts({ device, gpuLayers }: ServerWish): Part[] {
  if (device.toLowerCase() === 'cpu')
    return [{ argv: ['--device', 'none', '-ngl', '0'], decidedBy: [...DEVICE, ...LAYERS] }]
  const layers = { argv: ['-ngl', String(gpuLayers ?? ALL_LAYERS)], decidedBy: LAYERS }
  const shared = membersOf(device)
  if (!shared) return [{ argv: ['--device', device], decidedBy: DEVICE }, layers]
  const { mode, members, names } = shared
  if (members.some(([name]) => name!.toLowerCase() === 'cpu'))
    throw new TandemError('ENGINE_FAILED', {
      engine: 'llama-server',
      why: `${device}: the CPU takes no share of a split; layers that GPUs have no room for stay on it (-ngl)`,
    })
  const shares = members.map(([, share]) => share ?? '1').join(',')
  // a user who names other devices has other shares too
  return [
    { argv: ['--device', names], decidedBy: DEVICE },
    { argv: ['-sm', mode.toLowerCase()], decidedBy: [...SPLIT_MODE, ...DEVICE] },
    ...(members.every(([, share]) => share === undefined)
      ? []
      : [{ argv: ['-ts', shares], decidedBy: [...TENSOR_SPLIT, ...DEVICE] }]),
    layers,
  ]
}
