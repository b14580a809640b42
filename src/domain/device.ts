import type { EngineId } from './engine.ts'
import type { AdoptedServer, ServedModel } from './server.ts'

export const DEVICE_KINDS = ['npu', 'dgpu', 'igpu', 'cpu'] as const
export type DeviceKind = (typeof DEVICE_KINDS)[number]

/** How busy a device is now; what nobody tells is absent. */
export interface DeviceLoad {
  /** 0..1 */
  readonly busy?: number
  readonly usedBytes?: number
  readonly mhz?: number
  readonly watts?: number
}

/** A processor that can run models. */
export interface Device {
  /** Stable within a machine: `cpu`, `gpu0`, `gpu1`, `npu0`. */
  readonly id: string
  readonly kind: DeviceKind
  readonly name: string
  readonly memoryBytes?: number
  /** The name by which each engine knows the device: `{ openvino: 'GPU.1', 'llama.cpp': 'Vulkan0' }`. */
  readonly engines: Readonly<Partial<Record<EngineId, string>>>
  readonly simulated: boolean
  /** Logical processors that may run model threads; only on the CPU. */
  readonly cores?: number
  /** Of `cores`, where the system tells: fast and economical ones. */
  readonly performanceCores?: number
  readonly efficiencyCores?: number
  /** Free when it was last looked at. */
  readonly freeBytes?: number
  /** Models may take no more of it: its user says so. */
  readonly limitBytes?: number
  /** Of its own memory, what other programs have; absent where that is not known. */
  readonly othersBytes?: number
  /** What it takes, the system's memory lacks: an NPU's and an integrated GPU's. */
  readonly sharedMemory?: boolean
  /** `intel`, `amd`, `nvidia`, `apple`; absent when unknown. */
  readonly vendor?: string
  /** As Linux writes it: `0000:03:00.0`. */
  readonly pciAddress?: string
  /** As Windows writes it in its counters; it changes at every boot. */
  readonly luid?: string
  /** Its driver with version, e.g. `xe 6.12.9`, `32.0.101.6299`: another one may be faster, or give other vectors. */
  readonly driver?: string
  /** What the engine calls its design: `3720` of an NPU. */
  readonly architecture?: string
  /** It is computed by the CPU: a renderer in software. */
  readonly software?: boolean
  /** Sentences for a person: what it lacks to run models. */
  readonly problems?: readonly string[]
  readonly load?: DeviceLoad
  /** What an adopted server computes on: it runs these models and no others. */
  readonly server?: AdoptedServer & { readonly models: readonly ServedModel[] }
}

/** A device as one engine sees it. */
export interface EngineDevice {
  readonly engine: EngineId
  /** The engine's own name of it: `GPU.1`. */
  readonly name: string
  readonly kind: DeviceKind
  /** What it is, for a person. */
  readonly title: string
  readonly memoryBytes?: number
  readonly freeBytes?: number
  readonly vendor?: string
  readonly pciAddress?: string
  readonly luid?: string
  readonly driver?: string
  readonly architecture?: string
  readonly software?: boolean
  /** Added to the environment of a worker that shall run on it: `{ GGML_VK_VISIBLE_DEVICES: '1' }`. */
  readonly env?: Readonly<Record<string, string>>
}

/** Case does not count, and a number 0 may be left out: OpenVINO's `GPU` is `GPU.0`. */
export function sameDeviceName(a: string, b: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/\.0$/, '')
  return plain(a) === plain(b)
}
