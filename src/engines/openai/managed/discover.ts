import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { splitArguments } from '../../../config/index.ts'
import { definedOnly } from '../../../devices/index.ts'
import type { DeviceKind, EngineDevice } from '../../../domain/index.ts'
import type { DiscoveredEngine, DiscoveryInput } from '../../discovery.ts'
import { llamaServer } from './descriptor.ts'
import { failureOf } from './failure.ts'
import { llamaServersIn } from './find.ts'
import { backendOf, type ListedDevice, readDevices, readVersion } from './report.ts'
import type { ManagedSettings } from './settings.ts'

/** A backend wakes its GPUs before it lists them. */
const LIMIT_MS = 8_000
const MAX_PRINTED = 1024 * 1024
/** Which of Vulkan's devices llama.cpp sees, in which order; without it, it leaves integrated ones out beside a discrete one. */
const VISIBLE = 'GGML_VK_VISIBLE_DEVICES'

/**
 * Which llama-server may be started here, and on what it runs.
 * @param own devices as the embedded llama.cpp knows them: the same ones are told by the same words
 * @throws the signal's reason
 */
export async function discoverLlamaServer(
  { config, home, env, signal }: Pick<DiscoveryInput, 'config' | 'home' | 'env' | 'signal'>,
  own: readonly EngineDevice[],
): Promise<DiscoveredEngine> {
  const { enabled, path, args, draft } = config.llamaServer
  const none = { engine: llamaServer.id, devices: [], settings: {}, env: {}, warnings: [] }
  if (!enabled) return none
  const problems: string[] = []
  const visible = own.flatMap((device) => device.env?.[VISIBLE] ?? [])
  const vulkanEnv: Record<string, string> = visible.length > 0 ? { [VISIBLE]: visible.join(',') } : {}
  for (const binary of await llamaServersIn({ path, home, env })) {
    const asked = await ask(binary, { ...env, ...vulkanEnv }, signal)
    if ('problem' in asked) {
      problems.push(`${binary}: ${asked.problem}`)
      continue
    }
    const devices = devicesOf(asked.devices, own, visible)
    const backends = [...new Set(devices.flatMap(({ name }) => backendOf(name) ?? []))]
    const managed: ManagedSettings = {
      binary,
      args: splitArguments(args),
      logs: join(home, 'logs'),
      ...(draft === undefined ? {} : { draft }),
    }
    return {
      ...none,
      version: ['llama-server', asked.version, ...backends].join(' '),
      devices,
      settings: { managed },
      env: vulkanEnv,
      warnings: problems.map((problem) => `llama-server: ${problem}`),
    }
  }
  if (problems.length === 0) return none
  const problem = problems.join('; ')
  return { ...none, problem, warnings: [`llama-server: ${problem}`] }
}

type Asked =
  | { readonly version: string; readonly devices: readonly ListedDevice[] }
  | { readonly problem: string }

async function ask(binary: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Asked> {
  const [told, listed] = await Promise.all([
    run(binary, ['--version'], env, signal),
    run(binary, ['--list-devices'], env, signal),
  ])
  signal.throwIfAborted()
  const version = readVersion(told.printed)
  if (version === undefined) {
    const why = told.why === undefined ? 'it tells no version' : failureOf(told.printed, told.why).why
    return { problem: why }
  }
  return { version, devices: readDevices(listed.printed) }
}

interface Run {
  /** Both streams. */
  readonly printed: string
  /** Why it failed; absent when it ended with exit code 0. */
  readonly why?: string
}

function run(
  binary: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Run> {
  return new Promise((resolve) => {
    const options = {
      env,
      signal,
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_PRINTED,
      windowsHide: true,
    } as const
    execFile(binary, args, options, (error, stdout, stderr) => {
      const printed = `${stdout}\n${stderr}`
      if (!error) resolve({ printed })
      else if (error.killed) resolve({ printed, why: `no answer within ${LIMIT_MS / 1000} s` })
      else if (typeof error.code === 'number') resolve({ printed, why: `exit code ${error.code}` })
      else resolve({ printed, why: error.signal ? `ended by ${error.signal}` : error.message })
    })
  })
}

/** The CPU, and each listed device once: a build with several backends lists one for each of them. */
function devicesOf(
  listed: readonly ListedDevice[],
  own: readonly EngineDevice[],
  visible: readonly string[],
): EngineDevice[] {
  const left = own.filter(({ kind }) => kind !== 'cpu')
  const seen = new Set<string>()
  const found = listed.flatMap((device): EngineDevice[] => {
    const at = sameAs(device, left, visible)
    const [same] = at === -1 ? [] : left.splice(at, 1)
    const twin = `${backendOf(device.name)} ${plainName(device.title)}`
    const isOther = [...seen].some((each) => each !== twin && each.endsWith(` ${plainName(device.title)}`))
    if (!same && isOther) return []
    seen.add(twin)
    return [toDevice(device, same)]
  })
  const cpu = own.find(({ kind }) => kind === 'cpu')
  return [...found, { engine: llamaServer.id, name: 'cpu', kind: 'cpu', title: cpu?.title ?? 'CPU' }]
}

/** Vulkan's by their place, for it was told which to show; those of other backends by name, twins in their order. */
function sameAs(
  { name, title }: ListedDevice,
  left: readonly EngineDevice[],
  visible: readonly string[],
): number {
  const isNamed = (device: EngineDevice) => plainName(device.title) === plainName(title)
  const index = /^Vulkan(\d+)$/.exec(name)?.[1]
  const shown = index === undefined ? undefined : visible[Number(index)]
  const placed =
    shown === undefined ? -1 : left.findIndex((device) => device.env?.[VISIBLE] === shown && isNamed(device))
  return placed === -1 ? left.findIndex(isNamed) : placed
}

function toDevice(
  { name, title, memoryBytes, freeBytes }: ListedDevice,
  same: EngineDevice | undefined,
): EngineDevice {
  if (same) {
    const { env: _, ...told } = same
    return { ...told, engine: llamaServer.id, name }
  }
  const software = /llvmpipe|swiftshader/i.test(title)
  const kind = kindOf(name, title)
  return {
    engine: llamaServer.id,
    name,
    kind,
    title,
    memoryBytes,
    freeBytes,
    ...definedOnly({ vendor: vendorOf(title), software: software || undefined }),
  }
}

/** Where no other engine saw the device: its name says whether it is a card. */
function kindOf(name: string, title: string): DeviceKind {
  const backend = backendOf(name)
  if (backend === 'CUDA' || backend === 'MUSA') return 'dgpu'
  if (backend === 'MTL' || backend === 'Metal') return 'igpu'
  return /\bArc\b.*\b[AB]\d{2,3}\b|GeForce|\bRTX\b|\bRX \d|Radeon (Pro|AI|VII)|Instinct/i.test(title)
    ? 'dgpu'
    : 'igpu'
}

function vendorOf(title: string): string | undefined {
  const vendors = { intel: /intel/i, nvidia: /nvidia|geforce/i, amd: /amd|radeon/i, apple: /apple/i }
  return Object.entries(vendors).find(([, pattern]) => pattern.test(title))?.[0]
}

/** `Intel(R) Arc(TM) B580 Graphics (BMG G21)`: `intel arc b580`. */
function plainName(title: string): string {
  return title
    .toLowerCase()
    .replace(/\([^)]*\)/g, ' ')
    .replace(/\b(graphics|gpu)\b/g, ' ')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
}
