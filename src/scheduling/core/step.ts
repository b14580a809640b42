import { dispatch, hasOther } from './dispatch.ts'
import { type Draft, draftOf, end, put } from './draft.ts'
import { replan, vacate } from './replan.ts'
import type { Batch, Effect, Event, Fault, Request, Seat, State } from './state.ts'

/** One event in, effects out. Pure: time comes with the event. Each request ends exactly once. */
export function step(state: State, event: Event): { state: State; effects: readonly Effect[] } {
  const draft = draftOf(state)
  draft.nowMs = event.nowMs
  apply(draft, event)
  vacate(draft)
  dispatch(draft)
  const { effects, ...next } = draft
  return { state: next, effects }
}

function apply(draft: Draft, event: Event): void {
  switch (event.type) {
    case 'submitted':
      admit(draft, event.request)
      break
    case 'workerReady':
      changeSeat(draft, event.worker, { ready: true, gone: false, room: event.room, why: '' })
      break
    case 'workerLost':
      workerLost(draft, event)
      break
    case 'firstDelta':
      for (const request of requestsOf(draft, unsettled(draft, event.batch)))
        put(draft.requests, request, { started: true })
      break
    case 'batchDone':
      batchDone(draft, unsettled(draft, event.batch))
      break
    case 'batchFailed':
      batchFailed(draft, unsettled(draft, event.batch), event.fault)
      break
    case 'batchReleased':
      draft.batches.delete(event.batch)
      break
    case 'cancelled': {
      const request = draft.requests.get(event.request)
      if (request) end(draft, request, { how: 'cancelled' })
      break
    }
    case 'ticked':
      expire(draft)
      break
    case 'replanned':
      replan(draft, event.lanes)
      break
    case 'draining':
    case 'stopped':
      draft.draining = true
      for (const request of draft.requests.values())
        if (event.type === 'stopped' || request.running === 0) end(draft, request, { how: 'shuttingDown' })
      break
    default:
      event satisfies never
  }
}

/** Takes a request into the queue, which is bounded: past `maxWaiting` waiting requests it is refused as queue full. */
function admit(draft: Draft, submitted: Extract<Event, { type: 'submitted' }>['request']): void {
  const order = submitted.tokens.map((_, index) => index)
  const pending = order.sort((a, b) => (submitted.tokens[a] ?? 0) - (submitted.tokens[b] ?? 0))
  const fresh = { running: 0, tries: 0, alone: false, avoid: [], started: false }
  const request: Request = { ...submitted, ...fresh, waitsSinceMs: draft.nowMs, pending }
  // waiting bulk does not lock people out
  const waiting = [...draft.requests.values()].filter(
    (other) =>
      other.lane === request.lane &&
      other.pending.length > 0 &&
      (request.priority === 'bulk' || other.priority === 'interactive'),
  ).length
  const lane = draft.lanes.get(request.lane)
  draft.requests.set(request.id, request)
  if (draft.draining) end(draft, request, { how: 'shuttingDown' })
  else if (!lane || laneIsGone(draft, request.lane))
    end(draft, request, { how: 'unserved', lane: request.lane })
  else if (waiting >= draft.limits.maxWaiting) {
    const retryAfterS = Math.min(60, Math.max(1, Math.ceil((waiting * lane.batchMs) / 1000)))
    end(draft, request, { how: 'queueFull', lane: lane.id, waiting, retryAfterS })
  } else if (pending.length === 0) end(draft, request, { how: 'done' })
}

function workerLost(draft: Draft, event: Extract<Event, { type: 'workerLost' }>): void {
  const seat = draft.seats.get(event.worker)
  if (!seat) return
  changeSeat(draft, event.worker, { ready: false, gone: event.gone, why: event.why })
  const held = [...draft.batches.values()].filter((batch) => batch.worker === event.worker)
  for (const batch of held) draft.batches.delete(batch.id)
  retryParts(
    draft,
    held.filter((batch) => !batch.settled),
  )
  if (!laneIsGone(draft, seat.lane)) return
  for (const request of draft.requests.values())
    if (request.lane === seat.lane) end(draft, request, { how: 'unserved', lane: seat.lane })
}

function batchDone(draft: Draft, batch: Batch | undefined): void {
  if (!batch) return
  put(draft.batches, batch, { settled: true })
  const lane = draft.lanes.get(draft.seats.get(batch.worker)?.lane ?? '')
  if (lane) put(draft.lanes, lane, { batchMs: 0.8 * lane.batchMs + 0.2 * (draft.nowMs - batch.sentMs) })
  for (const request of requestsOf(draft, batch)) {
    const left = put(draft.requests, request, { running: request.running - 1 })
    if (left.running === 0 && left.pending.length === 0) end(draft, left, { how: 'done' })
  }
}

function batchFailed(draft: Draft, batch: Batch | undefined, fault: Fault): void {
  if (!batch) return
  put(draft.batches, batch, { settled: true })
  if (fault === 'worker') retryParts(draft, [batch])
  else refuseParts(draft, batch, fault)
}

/** The worker was lost: what it held is tried again, unless it was tried enough. */
function retryParts(draft: Draft, lost: readonly Batch[]): void {
  const lastBatch = new Map<number, Batch>() // a request with two batches there was lost once
  for (const batch of lost)
    for (const request of requestsOf(draft, batch)) {
      putBack(draft, batch, request, {})
      lastBatch.set(request.id, batch)
    }
  for (const [id, batch] of lastBatch) {
    const request = draft.requests.get(id) as Request
    const back = put(draft.requests, request, { tries: request.tries + 1, ...brokeOff(draft, request) })
    if (back.tries >= draft.limits.maxTries)
      end(draft, back, { how: 'failed', batch: batch.id, worker: batch.worker })
    else if (laneIsGone(draft, back.lane)) end(draft, back, { how: 'unserved', lane: back.lane })
  }
}

/** The engine refused the batch: alone, each shows whether it was at fault; another engine may do better. */
function refuseParts(draft: Draft, batch: Batch, fault: Fault): void {
  for (const request of requestsOf(draft, batch)) {
    const avoid = fault === 'engine' ? [...request.avoid, batch.worker] : request.avoid
    const back = putBack(draft, batch, request, { alone: true, avoid, ...brokeOff(draft, request) })
    const final = batch.parts.length === 1 && (fault === 'input' || !hasOther(draft, back))
    if (final) end(draft, back, { how: 'failed', batch: batch.id, worker: batch.worker })
  }
}

/** An answer that has begun goes on elsewhere: it waits for its next text as a new one does for its first. */
function brokeOff(draft: Draft, { started }: Request): Partial<Request> {
  if (!started) return {}
  return { started: false, waitsSinceMs: draft.nowMs, deadlineMs: draft.nowMs + draft.limits.maxGapMs }
}

function putBack(draft: Draft, batch: Batch, request: Request, change: Partial<Request>): Request {
  const inputs = batch.parts.find((part) => part.request === request.id)?.inputs ?? []
  const pending = [...inputs, ...request.pending]
  return put(draft.requests, request, { ...change, pending, running: request.running - 1 })
}

function expire(draft: Draft): void {
  for (const request of draft.requests.values())
    if (!request.started && request.deadlineMs <= draft.nowMs)
      end(draft, request, { how: 'deadline', ms: Math.round(request.deadlineMs - request.waitsSinceMs) })
}

function requestsOf(draft: Draft, batch: Batch | undefined): Request[] {
  if (!batch) return []
  return batch.parts.flatMap((part) => draft.requests.get(part.request) ?? [])
}

function laneIsGone(draft: Draft, lane: string): boolean {
  const workers = draft.lanes.get(lane)?.workers ?? []
  return workers.every((id) => draft.seats.get(id)?.gone)
}

function changeSeat(draft: Draft, id: string, change: Partial<Seat>): void {
  const seat = draft.seats.get(id)
  if (seat) put(draft.seats, seat, change)
}

/** Events of batches that were lost or called off meanwhile say nothing new. */
function unsettled(draft: Draft, id: number): Batch | undefined {
  const batch = draft.batches.get(id)
  return batch?.settled ? undefined : batch
}
