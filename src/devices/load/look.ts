/** What one look at a device gave, and how two of them become its load. Pure. */
import type { DeviceLoad } from '../../domain/index.ts'
import { definedOnly } from '../defined-only.ts'

/** Counters that only grow, and values of the moment. */
export interface Look {
  /** Milliseconds by the clock of `busyMs`. */
  readonly atMs: number
  /** Time that it worked, since some start. */
  readonly busyMs?: number
  /** 0..1, where the driver itself says it. */
  readonly busy?: number
  readonly usedBytes?: number
  readonly mhz?: number
  readonly watts?: number
  /** Energy since some start, with the wall clock of its reading. */
  readonly energy?: { readonly microjoules: number; readonly atMs: number }
}

/** @param first absent: only what one look tells */
export function loadBetween(first: Look | undefined, last: Look): DeviceLoad {
  const { usedBytes, mhz } = last
  return definedOnly({
    busy: last.busy ?? share(first, last),
    usedBytes,
    mhz,
    watts: last.watts ?? power(first, last),
  })
}

function share(first: Look | undefined, last: Look): number | undefined {
  if (first?.busyMs === undefined || last.busyMs === undefined) return undefined
  const wallMs = last.atMs - first.atMs
  const busyMs = last.busyMs - first.busyMs
  if (wallMs <= 0 || busyMs < 0) return undefined // the driver was reset between the looks
  return Math.min(1, busyMs / wallMs)
}

function power(first: Look | undefined, last: Look): number | undefined {
  if (!first?.energy || !last.energy) return undefined
  const microseconds = (last.energy.atMs - first.energy.atMs) * 1000
  const microjoules = last.energy.microjoules - first.energy.microjoules
  return microseconds > 0 && microjoules >= 0 ? microjoules / microseconds : undefined
}
