import type { Device, Fit, MemoryNeed } from '../domain/index.ts'
import { marginOn } from './fit/margin.ts'

/** What is free on each device and in the system's memory while a plan is made; unknown sizes count as endless. */
export class Ledger {
  /** What was found to fit, by candidate: an answer holds as long as it has room, for seldom there is more later. */
  readonly found = new Map<object, Extract<Fit, { fits: true }>>()
  readonly #devices: Map<string, number>
  #host: number

  constructor(devices: readonly Device[]) {
    const cpu = devices.find(({ kind, server }) => kind === 'cpu' && !server)
    this.#host = cpu ? size(cpu) : Number.POSITIVE_INFINITY
    this.#devices = new Map(
      devices.filter(({ kind }) => kind !== 'cpu').map((device) => [device.id, size(device)]),
    )
  }

  get hostFree(): number {
    return this.#host
  }

  free(device: Device): number {
    if (device.kind === 'cpu') return this.#host
    const own = this.#devices.get(device.id) ?? Number.POSITIVE_INFINITY
    return sharesMemory(device) ? Math.min(own, this.#host) : own
  }

  /** Whether both the device and the system have room. */
  holds(device: Device, need: Held): boolean {
    return need.deviceBytes <= this.free(device) && hostShare(device, need) <= this.#host
  }

  take(device: Device, need: Held): void {
    this.#host -= hostShare(device, need)
    if (device.kind !== 'cpu')
      this.#devices.set(device.id, (this.#devices.get(device.id) ?? 0) - need.deviceBytes)
  }

  give(device: Device, { deviceBytes, hostBytes }: Held): void {
    this.take(device, { deviceBytes: -deviceBytes, hostBytes: -hostBytes })
  }

  /** With the same room, and nothing found yet. */
  copy(): Ledger {
    const other = new Ledger([])
    other.#host = this.#host
    for (const [id, free] of this.#devices) other.#devices.set(id, free)
    return other
  }
}

/** What models may take of a device, with what they must leave. */
function size(device: Device): number {
  const { freeBytes, memoryBytes = Number.POSITIVE_INFINITY, limitBytes = Number.POSITIVE_INFINITY } = device
  const margin = marginOn(device, memoryBytes)
  return Math.min(freeBytes ?? memoryBytes, limitBytes + (Number.isFinite(margin) ? margin : 0))
}

/** What each of several devices takes of a need; what lies beside them is counted with the first. */
export function sharedOut(
  shares: readonly { readonly on: Device; readonly part: number }[],
  { deviceBytes, hostBytes }: Held,
): { readonly on: Device; readonly held: Held }[] {
  return shares.map(({ on, part }, at) => ({
    on,
    held: { deviceBytes: part * deviceBytes, hostBytes: at === 0 ? hostBytes : 0 },
  }))
}

/** What is taken on a device and in the system's memory. */
export type Held = Pick<MemoryNeed, 'deviceBytes' | 'hostBytes'>

/** What models that are loaded in turns on a device take of each memory: as much as the one that takes most. */
export function largest(device: Device, needs: readonly Held[]): Held {
  const deviceBytes = Math.max(...needs.map((need) => need.deviceBytes))
  const share = Math.max(...needs.map((need) => hostShare(device, need)))
  return { deviceBytes, hostBytes: sharesMemory(device) ? share - deviceBytes : share }
}

/** What a placement takes of the system's memory: where the device shares it, its part too. */
export function hostShare(device: Device, { hostBytes, deviceBytes }: Held): number {
  return sharesMemory(device) ? hostBytes + deviceBytes : hostBytes
}

/** Whether what a device takes is taken from the system's memory; NPUs and integrated GPUs do where nothing else is said. */
export function sharesMemory({ kind, sharedMemory = kind === 'igpu' || kind === 'npu' }: Device): boolean {
  return kind !== 'cpu' && sharedMemory
}
