/** What becomes of the requests of a batch that was lost or refused. */
import { laneIsGone } from './admission.ts'
import { failedBreaker } from './breaker.ts'
import { hasOther } from './candidates.ts'
import { type Draft, end, put, putRequest, requestsOf, spread } from './draft.ts'
import type { Batch, Fault, Request } from './state.ts'

/** The worker was lost: what it held is tried again, unless it was tried enough. */
export function retryParts(draft: Draft, lost: readonly Batch[]): void {
  const lastBatch = new Map<number, Batch>() // a request with two batches there was lost once
  for (const batch of lost) {
    if (leaveToTwin(draft, batch)) continue
    for (const request of requestsOf(draft, batch)) {
      putBack(draft, batch, request, { suspects: [...request.suspects, ...inputsOf(batch, request)] })
      lastBatch.set(request.id, batch)
    }
  }
  for (const [id, batch] of lastBatch) {
    const request = draft.requests.get(id) as Request
    const goesOn = request.started ? { deadlineMs: draft.nowMs + draft.limits.resumeMs } : {}
    const back = putRequest(draft, request, { tries: request.tries + 1, ...goesOn })
    if (back.tries >= draft.limits.maxTries)
      end(draft, back, { how: 'failed', batch: batch.id, worker: batch.worker })
    else if (laneIsGone(draft, back.lane)) end(draft, back, { how: 'unserved', lane: back.lane })
    else draft.effects.push({ type: 'retry', request: id, worker: batch.worker, fault: 'worker' })
  }
}

/** The engine refused the batch: alone, each shows whether it was at fault; another engine may do better. */
export function refuseParts(draft: Draft, batch: Batch, fault: Fault): void {
  if (fault === 'engine') countFailure(draft, batch.worker)
  if (leaveToTwin(draft, batch)) return
  for (const request of requestsOf(draft, batch)) {
    const avoid = fault === 'engine' ? [...request.avoid, batch.worker] : request.avoid
    const goesOn = request.started ? { deadlineMs: draft.nowMs + draft.limits.resumeMs } : {}
    const back = putBack(draft, batch, request, { alone: true, avoid, ...goesOn })
    const final = batch.parts.length === 1 && (fault === 'input' || !hasOther(draft, back))
    if (final) end(draft, back, { how: 'failed', batch: batch.id, worker: batch.worker })
    else draft.effects.push({ type: 'retry', request: back.id, worker: batch.worker, fault })
  }
}

/** What an answered batch says of a request that was lost before. */
export function acquitted(batch: Batch, request: Request): Pick<Request, 'suspects' | 'tries'> {
  const answered = inputsOf(batch, request)
  const suspects = request.suspects.filter((index) => !answered.includes(index))
  return { suspects, tries: suspects.length > 0 ? request.tries : 0 }
}

/** @returns whether the same inputs are at another worker, whose answer is waited for instead */
function leaveToTwin(draft: Draft, batch: Batch): boolean {
  const twin = batch.twin === undefined ? undefined : draft.batches.get(batch.twin)
  if (!twin || twin.settled) return false
  const { twin: _, ...single } = twin
  draft.batches.set(single.id, single)
  return true
}

function putBack(draft: Draft, batch: Batch, request: Request, change: Partial<Request>): Request {
  const pending = [...inputsOf(batch, request), ...request.pending]
  return putRequest(draft, request, { ...change, pending, running: request.running - 1 })
}

function inputsOf({ parts }: Batch, { id }: Request): readonly number[] {
  return parts.find(({ request }) => request === id)?.inputs ?? []
}

function countFailure(draft: Draft, worker: string): void {
  const seat = draft.seats.get(worker)
  if (!seat) return
  const breaker = failedBreaker(seat.breaker, draft.limits, draft.nowMs, spread(draft))
  put(draft.seats, seat, { breaker })
  if (breaker.openUntilMs > draft.nowMs)
    draft.effects.push({ type: 'breakerOpened', worker, forMs: breaker.openUntilMs - draft.nowMs })
}
