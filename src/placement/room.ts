/** How much of a device's own memory Tandem may plan with while other programs take some of it. */
import type { Device, PlannedPlacement } from '../domain/index.ts'
import { deviceMargin } from './fit/margin.ts'
import { hostShare } from './memory.ts'
import { deviceOf } from './pin.ts'

/** Others that take less must do so for this long: a game that loads its next level is not gone. */
const CALM_MS = 30_000

/** What other programs are counted with. */
export interface Others {
  readonly bytes: number
  /** Since when they take less, and the most that they took since then. */
  readonly calm?: { readonly sinceMs: number; readonly mostBytes: number }
}

/** More counts at once, less when it stayed so for a while. @param before absent: this is the first look */
export function othersAfter(before: Others | undefined, bytes: number, nowMs: number): Others {
  if (!before || bytes >= before.bytes) return { bytes }
  const { sinceMs = nowMs, mostBytes = 0 } = before.calm ?? {}
  const most = Math.max(mostBytes, bytes)
  return nowMs - sinceMs >= CALM_MS ? { bytes: most } : { ...before, calm: { sinceMs, mostBytes: most } }
}

/** A model that is loaded on the device. */
export interface Resident {
  /** Of the device's memory. */
  readonly bytes: number
  /** It is not moved for its memory's sake: it is pinned, or encodes for an index that is open. */
  readonly stays: boolean
}

/**
 * Bytes of a device that a plan may give out. What is loaded stays as long as it fits, without the margin that a load needs; once
 * it does not fit, only what must stay does.
 * @param totalBytes of the device
 */
export function roomBeside(totalBytes: number, othersBytes: number, residents: readonly Resident[]): number {
  const left = Math.max(0, totalBytes - othersBytes)
  const sum = (all: readonly Resident[]) => all.reduce((total, { bytes }) => total + bytes, 0)
  const loaded = sum(residents)
  const kept = loaded <= left ? loaded : sum(residents.filter(({ stays }) => stays))
  // one byte more than the sum: it is compared after the margin was taken off again
  return kept === 0
    ? left
    : Math.min(totalBytes, Math.max(left, kept + Math.ceil(deviceMargin(totalBytes)) + 1))
}

/** What a placement takes of a device's memory; of the CPU's, what it takes of the system's. */
export function heldOn(device: Device, placement: PlannedPlacement, devices: readonly Device[]): number {
  const { memory, shares } = placement
  const on = deviceOf(placement, devices)
  if (!memory || !on) return 0
  if (device.kind === 'cpu') return hostShare(on, memory)
  if (!shares) return on.id === device.id ? memory.deviceBytes : 0
  return (shares.find((each) => each.device === device.id)?.part ?? 0) * memory.deviceBytes
}
