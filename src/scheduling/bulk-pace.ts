import { cpuTime } from '../devices/index.ts'
import type { Worker } from '../workers/index.ts'

/** Share of the processors that other programs may take before bulk slows down, and from which on it is slowest. */
const CALM = 0.4
const BUSY = 0.9
/** What bulk gets then of its time. */
const LEAST = 0.2
/** Weight of the newest look: a short burst changes little. */
const NEWEST = 0.5
const LOOK_MS = 1_000

/** The share of its time that bulk takes, by the share of the processors that other programs take, 0..1. Pure. */
export function bulkShareFor(othersBusy: number): number {
  const over = (othersBusy - CALM) / (BUSY - CALM)
  return 1 - Math.min(1, Math.max(0, over)) * (1 - LEAST)
}

export interface BulkPaceOptions {
  readonly workers: () => readonly Worker[]
  /** Takes the share as it changes, 0..1. */
  readonly pace: (share: number) => void
}

/**
 * Lets bulk give way to the programs of the user: looks each second at what they take of the processors, all that is not ours.
 * @returns ends it
 */
export function paceBulk({ workers, pace }: BulkPaceOptions): () => void {
  let last = { ...cpuTime(), ownMs: ownMs(workers()) }
  let busy = 0
  let share = 1
  const timer = setInterval(() => {
    const now = { ...cpuTime(), ownMs: ownMs(workers()) }
    const passedMs = now.totalMs - last.totalMs
    const othersMs = now.busyMs - last.busyMs - Math.max(0, now.ownMs - last.ownMs)
    last = now
    if (passedMs <= 0) return
    busy += (Math.min(1, Math.max(0, othersMs / passedMs)) - busy) * NEWEST
    const next = Math.round(bulkShareFor(busy) * 20) / 20
    if (next !== share) pace(next)
    share = next
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Of this process and all workers. */
function ownMs(workers: readonly Worker[]): number {
  const { user, system } = process.cpuUsage()
  return workers.reduce((sum, { cpuMs }) => sum + cpuMs, (user + system) / 1000)
}
