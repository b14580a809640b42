import { breakerState } from './breaker.ts'
import { serves } from './candidates.ts'
import { batchesAt, type Draft, put } from './draft.ts'
import { expectedMs } from './forecast.ts'
import type { Batch, Seat } from './state.ts'

/** Sends interactive batches that take far too long to a second worker as well: the first answer counts. */
export function hedge(draft: Draft): void {
  const { hedgeMs, hedgeTimes } = draft.limits
  for (const batch of [...draft.batches.values()]) {
    if (batch.settled || batch.exclusive || batch.twin !== undefined || batch.priority === 'bulk') continue
    if (batch.expectedMs === undefined) continue
    if (draft.nowMs - batch.sentMs < Math.max(hedgeMs, hedgeTimes * batch.expectedMs)) continue
    const seat = idleOther(draft, batch)
    if (seat) sendTwin(draft, batch, seat)
  }
}

function idleOther(draft: Draft, { worker, parts }: Batch): Seat | undefined {
  const lane = draft.lanes.get(draft.seats.get(worker)?.lane ?? '')
  if (!lane?.merges) return undefined
  for (const id of lane.workers) {
    const seat = draft.seats.get(id)
    if (!seat || id === worker || !serves(lane, seat)) continue
    const able = parts.every(({ request }) => !draft.requests.get(request)?.cannot.includes(id))
    const closed = breakerState(seat.breaker, draft.limits, draft.nowMs) === 'closed'
    if (able && closed && batchesAt(draft, id).length === 0) return seat
  }
  return undefined
}

function sendTwin(draft: Draft, slow: Batch, seat: Seat): void {
  const { expectedMs: _, ...same } = slow
  const expected = expectedMs(seat, slow.paddedTokens)
  const twin: Batch = {
    ...same,
    parts: slow.parts.filter(({ request }) => draft.requests.has(request)),
    id: draft.nextBatch,
    worker: seat.id,
    twin: slow.id,
    sentMs: draft.nowMs,
    ...(expected === undefined ? {} : { expectedMs: expected }),
  }
  draft.nextBatch += 1
  draft.batches.set(twin.id, twin)
  put(draft.batches, slow, { twin: twin.id })
  draft.effects.push({ type: 'dispatch', batch: twin, fallback: { from: slow.worker, why: 'slow' } })
}
