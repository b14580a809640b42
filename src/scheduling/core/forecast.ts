/** When a worker would be done with a batch, by what it was measured at. */
import type { Priority } from '../../domain/index.ts'
import { batchesAt, type Draft } from './draft.ts'
import type { Batch, Lane, Seat } from './state.ts'

/** Milliseconds for a token of a worker that was never measured; all such are alike. */
const UNKNOWN_PACE = 0.1
/** A batch that is overdue is thought to need this share of its time still. */
const OVERDUE = 0.1
/** Weight of the newest figure. */
const NEWEST = 0.3

const powerOf = (tokens: number) => Math.floor(Math.log2(Math.max(1, tokens)))

/** Milliseconds for so many padded tokens; undefined for a worker that was never measured. */
export function expectedMs({ pace }: Seat, tokens: number): number | undefined {
  const own = powerOf(tokens)
  let nearest: number | undefined
  let distance = Number.POSITIVE_INFINITY
  pace.forEach((ms, power) => {
    if (ms === undefined || Math.abs(power - own) >= distance) return
    nearest = ms
    distance = Math.abs(power - own)
  })
  return nearest === undefined ? undefined : nearest * tokens
}

/**
 * The pace with one more measured batch. A larger batch costs no more for each token: figures of larger ones that say so come
 * down with it, for one slow batch, the first of a shape say, would keep its size from ever being tried again.
 */
export function paced({ pace }: Seat, tokens: number, ms: number): Seat['pace'] {
  const power = powerOf(tokens)
  const newest = ms / Math.max(1, tokens)
  const blend = (old: number) => old * (1 - NEWEST) + newest * NEWEST
  const next = pace.map((old, at) => (old !== undefined && at > power && old > newest ? blend(old) : old))
  while (next.length < power) next.push(undefined)
  const old = pace[power]
  next[power] = old === undefined ? newest : blend(old)
  return next
}

/** Milliseconds until the worker would be done with so many tokens, were they sent now or as soon as it has room. */
export function finishMs(draft: Draft, lane: Lane, seat: Seat, priority: Priority, tokens: number): number {
  const own = expectedMs(seat, tokens) ?? tokens * UNKNOWN_PACE
  const held = batchesAt(draft, seat.id)
  if (held.length === 0) return own
  const left = held.map((batch) => leftMs(draft, seat, batch))
  // a decoder writes side by side, an encoder works on one after the other, a person's first
  if (!lane.merges) return own + (held.length < seat.room ? 0 : Math.min(...left))
  let before = left[0] ?? 0
  for (let i = 1; i < held.length; i++)
    if (priority === 'bulk' || held[i]?.priority === 'interactive') before += left[i] ?? 0
  return own + before
}

function leftMs(draft: Draft, seat: Seat, batch: Batch): number {
  const all = batch.expectedMs ?? batch.paddedTokens * UNKNOWN_PACE
  const since = draft.nowMs - Math.max(batch.sentMs, seat.freeSinceMs)
  return Math.max(all - since, all * OVERDUE)
}
