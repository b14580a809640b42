import type { EngineId } from './engine.ts'

export type DeviceKind = 'cpu' | 'igpu' | 'dgpu' | 'npu'

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
}

/** Case does not count, and a number 0 may be left out: OpenVINO's `GPU` is `GPU.0`. */
export function sameDeviceName(a: string, b: string): boolean {
  const plain = (name: string) => name.toLowerCase().replace(/\.0$/, '')
  return plain(a) === plain(b)
}
