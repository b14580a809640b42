import type { Priority } from '../../domain/index.ts'
import { takeBatch } from './batching.ts'
import { type Draft, put } from './draft.ts'
import type { Batch, Lane, Part, Request, Seat } from './state.ts'

/** Sends what can be sent now. */
export function dispatch(draft: Draft): void {
  for (const id of draft.lanes.keys()) while (dispatchOne(draft, id));
}

interface Waiting {
  readonly interactive: readonly Request[]
  readonly bulk: readonly Request[]
}

function dispatchOne(draft: Draft, laneId: string): boolean {
  const lane = draft.lanes.get(laneId)
  if (!lane) return false
  const waiting = waitingIn(draft, laneId)
  if (waiting.interactive.length + waiting.bulk.length === 0) return false
  let earlierReady = false
  for (const id of lane.workers) {
    const seat = draft.seats.get(id)
    if (!seat?.ready || (earlierReady && !seat.overflow)) continue
    const priority = nextPriority(draft, lane, waiting)
    const head = waiting[priority][0]
    if (!head || (head.avoid.includes(id) && hasOther(draft, head))) continue
    earlierReady = true
    if (!hasRoom(draft, lane, seat, head)) continue
    send(draft, lane, seat, priority, waiting[priority])
    return true
  }
  return false
}

function waitingIn(draft: Draft, lane: string): Waiting {
  const waiting = [...draft.requests.values()].filter(
    (request) => request.lane === lane && request.pending.length > 0,
  )
  return {
    interactive: waiting.filter((request) => request.priority === 'interactive'),
    bulk: waiting.filter((request) => request.priority === 'bulk'),
  }
}

/** Whether a worker is ready that has not failed on the request. */
export function hasOther(draft: Draft, request: Request): boolean {
  const workers = draft.lanes.get(request.lane)?.workers ?? []
  return workers.some((id) => draft.seats.get(id)?.ready && !request.avoid.includes(id))
}

/** Interactive first, but bulk is not starved. */
function nextPriority(draft: Draft, lane: Lane, waiting: Waiting): Priority {
  const bulkIsDue = waiting.bulk.length > 0 && lane.interactiveRun >= draft.limits.bulkAfter
  return waiting.interactive.length > 0 && !bulkIsDue ? 'interactive' : 'bulk'
}

function hasRoom(draft: Draft, lane: Lane, seat: Seat, head: Request): boolean {
  const atWorker = [...draft.batches.values()].filter((batch) => batch.worker === seat.id)
  if (atWorker.some((batch) => batch.exclusive)) return false
  if (isSuspect(lane, head)) return atWorker.length === 0
  // an encoder lets interactive batches overtake those of bulk that it holds, so bulk takes none of their room
  const counted = lane.merges && head.priority === 'interactive' ? atWorker.filter(isInteractive) : atWorker
  return counted.length < seat.room
}

/** Lost so often that it may be what kills workers. A chat is lost with its neighbours: once says nothing yet. */
function isSuspect(lane: Lane, request: Request): boolean {
  return request.tries > (lane.merges ? 0 : 1)
}

function isInteractive(batch: Batch): boolean {
  return batch.priority === 'interactive'
}

function send(draft: Draft, lane: Lane, seat: Seat, priority: Priority, waiting: readonly Request[]): void {
  const head = waiting[0] as Request // dispatchOne() saw it
  const parts = lane.merges
    ? takeBatch(
        mergeable(waiting),
        draft.limits,
        Math.min(lane.batchTokens, budget(draft, priority, waiting)),
      )
    : [whole(head)]
  for (const part of parts) {
    const request = draft.requests.get(part.request) as Request
    put(draft.requests, request, {
      pending: request.pending.slice(part.inputs.length),
      running: request.running + 1,
    })
  }
  const batch: Batch = {
    id: draft.nextBatch,
    worker: seat.id,
    priority,
    parts,
    exclusive: isSuspect(lane, head),
    sentMs: draft.nowMs,
    settled: false,
  }
  draft.nextBatch += 1
  draft.batches.set(batch.id, batch)
  put(draft.lanes, lane, { interactiveRun: priority === 'bulk' ? 0 : lane.interactiveRun + 1 })
  draft.effects.push({ type: 'dispatch', batch, ...fallbackOf(draft, lane, seat, head) })
}

function whole(request: Request): Part {
  return { request: request.id, inputs: request.pending }
}

/** A request that was lost before goes alone, and joins no batch of others. */
function mergeable(waiting: readonly Request[]): readonly Request[] {
  const head = waiting[0]
  return head && head.tries > 0 ? [head] : waiting.filter((request) => request.tries === 0)
}

function budget(draft: Draft, priority: Priority, waiting: readonly Request[]): number {
  const { batchTokens, bulkBatchTokens } = draft.limits
  if (priority === 'interactive') return batchTokens
  let left = 0
  for (const request of waiting) {
    for (const index of request.pending) left += request.tokens[index] ?? 1
    if (left > batchTokens) return bulkBatchTokens
  }
  return batchTokens
}

function fallbackOf(
  draft: Draft,
  lane: Lane,
  seat: Seat,
  head: Request,
): { fallback?: { from: string; why: string } } {
  const from = lane.workers[0]
  if (from === undefined || from === seat.id) return {}
  const first = draft.seats.get(from)
  const why = !first?.ready ? (first?.why ?? 'unknown') : head.avoid.includes(from) ? 'failing' : 'busy'
  return { fallback: { from, why } }
}
