/** Bytes and reasons for a person. */
import type { MemoryNeed } from '../../domain/index.ts'

const GIB = 1024 ** 3

/** GiB with one decimal, without the unit. */
export function inGib(bytes: number): string {
  return (bytes / GIB).toFixed(1)
}

export interface Room {
  readonly freeBytes: number
  /** All that there is, where known. */
  readonly totalBytes: number | undefined
  /** Left alone: drivers, screens and other programs take memory too. */
  readonly marginBytes: number
  /** What other programs have of it, where that is known. */
  readonly othersBytes?: number | undefined
  /** What models may take of it, where its user says so. */
  readonly limitBytes?: number | undefined
}

/** Where a model shall be opened. */
export interface Places {
  readonly onCpu: boolean
  /** What the device takes is taken from the system's memory. */
  readonly shared: boolean
  readonly device: Room
  readonly host: Room
}

/** Which memory does not suffice. */
export function shortage(places: Places, need: MemoryNeed): 'device' | 'host' | undefined {
  if (!places.onCpu && !holds(places.device, need.deviceBytes)) return 'device'
  return holds(places.host, hostBytes(places, need)) ? undefined : 'host'
}

/** What is taken of the system's memory: where the device shares it, its part too. */
export function hostBytes({ onCpu, shared }: Places, need: MemoryNeed): number {
  return need.hostBytes + (shared && !onCpu ? need.deviceBytes : 0)
}

/** Whether so many bytes may be taken. */
export function holds({ freeBytes, marginBytes }: Room, bytes: number): boolean {
  return bytes <= freeBytes - marginBytes
}

/**
 * Why it does not fit, in one sentence.
 * @param parts what the sum consists of, in words: `8.4 weights`
 * @param where names the memory; empty: the device's own
 */
export function doesNotFit(bytes: number, parts: readonly string[], room: Room, where = ''): string {
  const of = room.totalBytes === undefined ? '' : ` of ${inGib(room.totalBytes)}`
  const margin = bytes <= room.freeBytes ? `, of which ${inGib(room.marginBytes)} must stay free` : ''
  const others = room.othersBytes ? `; other programs have ${inGib(room.othersBytes)} GiB` : ''
  const limit =
    room.limitBytes === undefined ? '' : `; placement.memory allows ${inGib(room.limitBytes)} GiB in all`
  return `does not fit: needs ${inGib(bytes)} GiB${where} (${parts.join(', ')}), ${inGib(Math.max(0, room.freeBytes))} GiB${of} are free${margin}${others}${limit}`
}
