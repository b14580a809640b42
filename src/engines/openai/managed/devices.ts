/** What llama-server lists, as devices of this machine. Pure. */
import { definedOnly } from '../../../devices/index.ts'
import type { DeviceKind, EngineDevice } from '../../../domain/index.ts'
import { llamaServer } from './descriptor.ts'
import { backendOf, type ListedDevice } from './report.ts'

const VISIBLE = 'GGML_VK_VISIBLE_DEVICES'

/** Makes llama.cpp see all of Vulkan's devices, in their order: by itself it leaves integrated ones out beside a discrete one. */
export function allOfVulkan(own: readonly EngineDevice[]): Readonly<Record<string, string>> {
  const visible = own.flatMap((device) => device.env?.[VISIBLE] ?? [])
  return visible.length > 0 ? { [VISIBLE]: visible.join(',') } : {}
}

/**
 * The CPU, and each listed device once: a build with several backends lists one for each of them.
 * @param listed with `allOfVulkan(own)` in the environment
 * @param own devices as the embedded llama.cpp knows them: the same ones are told by the same words
 */
export function devicesOf(listed: readonly ListedDevice[], own: readonly EngineDevice[]): EngineDevice[] {
  const left = own.filter(({ kind }) => kind !== 'cpu')
  const seen = new Set<string>()
  const found = listed.flatMap((device): EngineDevice[] => {
    // twins in their order, which is Vulkan's on both sides
    const at = left.findIndex(({ title }) => plainName(title) === plainName(device.title))
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
