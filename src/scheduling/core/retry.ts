/** What becomes of the requests of a batch that was lost or refused. */
import { unservedEnding } from './admission.ts'
import { failedBreaker } from './breaker.ts'
import { hasOther } from './candidates.ts'
import { type Draft, end, put, putRequest, requestsOf, spread } from './draft.ts'
import { cannotGoOn } from './resume.ts'
import type { Batch, Fault, Request } from './state.ts'

/**
 * The worker was lost: what it held is tried again, unless it was tried enough.
 *
 * What its process died of is not to be seen from here: an input that was alone with it each time may be poison or have had bad
 * luck. Only `killed` tells them apart: no input makes others end the process, so such a loss casts no suspicion. A chat
 * counts it all the same, for it begins to wait anew each time.
 */
export function retryParts(draft: Draft, lost: readonly Batch[], killed = false): void {
  const lastBatch = new Map<number, Batch>() // a request with two batches there was lost once
  for (const batch of lost) {
    if (leaveToTwin(draft, batch)) continue
    for (const request of requestsOf(draft, batch)) {
      const innocent = isInnocent(draft, request, killed)
      putBack(
        draft,
        batch,
        request,
        innocent ? {} : { suspects: [...request.suspects, ...inputsOf(batch, request)] },
      )
      lastBatch.set(request.id, batch)
    }
  }
  for (const [id, batch] of lastBatch) {
    const request = draft.requests.get(id) as Request
    const goesOn = request.started ? { deadlineMs: draft.nowMs + draft.limits.resumeMs } : {}
    const counted = isInnocent(draft, request, killed)
      ? { kills: request.kills + 1 }
      : { tries: request.tries + 1 }
    const cannot = cannotGoOn(draft, request)
    const back = putRequest(draft, request, { ...counted, ...goesOn, cannot })
    const { maxTries, maxKills } = draft.limits
    const unserved = unservedEnding(draft, back)
    if (back.tries >= maxTries || back.kills >= maxKills || (unserved && back.shown))
      end(draft, back, { how: 'failed', batch: batch.id, worker: batch.worker })
    else if (unserved) end(draft, back, unserved)
    else draft.effects.push({ type: 'retry', request: id, worker: batch.worker, fault: 'worker' })
  }
}

function isInnocent(draft: Draft, { lane }: Request, killed: boolean): boolean {
  return killed && draft.lanes.get(lane)?.merges === true
}

/**
 * The engine refused the batch: alone, each shows whether it was at fault; another engine may do better.
 * @param cannot others that are as unable
 */
export function refuseParts(
  draft: Draft,
  batch: Batch,
  fault: Exclude<Fault, 'worker'>,
  cannot: readonly string[] = [],
): void {
  if (fault === 'engine') countFailure(draft, batch.worker)
  if (leaveToTwin(draft, batch)) return
  for (const request of requestsOf(draft, batch)) {
    const single = batch.parts.length === 1
    const avoid = fault === 'engine' ? { avoid: [...request.avoid, batch.worker] } : {}
    // of several in a batch it is not known who asks for too much
    const refused = fault === 'unable' && single ? [batch.worker, ...cannot] : []
    const unable = { cannot: [...new Set([...cannotGoOn(draft, request), ...refused])] }
    const goesOn = request.started ? { deadlineMs: draft.nowMs + draft.limits.resumeMs } : {}
    const back = putBack(draft, batch, request, { alone: true, ...avoid, ...unable, ...goesOn })
    if (single && isFinal(draft, back, fault))
      end(draft, back, { how: 'failed', batch: batch.id, worker: batch.worker })
    else draft.effects.push({ type: 'retry', request: back.id, worker: batch.worker, fault })
  }
}

function isFinal(draft: Draft, request: Request, fault: Exclude<Fault, 'worker'>): boolean {
  if (fault === 'unable') return unservedEnding(draft, request) !== undefined
  return fault === 'input' || !hasOther(draft, request)
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
