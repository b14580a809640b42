import type { Priority } from '../../domain/index.ts'
import { takeBatch } from './batching.ts'
import { candidatesFor, serves } from './candidates.ts'
import { batchesAt, type Draft, put, putRequest } from './draft.ts'
import { countTurns, inTurn } from './fairness.ts'
import { expectedMs, finishMs } from './forecast.ts'
import type { Batch, Event, Lane, Request, Seat, State } from './state.ts'

/** Another worker must be done in so much less of the time before work goes there instead of the plan's first one. */
const WORTH_A_MOVE = 0.8
/** Kinds of requests that are looked at, by which workers may take them, when those before must wait. */
const LOOK = 16
/** Of the tokens of a bulk batch, what a slow worker gets at least: smaller ones would waste its time. */
const LEAST_BULK = 1 / 8

/** What happens with each request: of the other lanes nothing is decided anew. */
const OF_ONE_LANE: readonly Event['type'][] = [
  'submitted',
  'firstDelta',
  'batchDone',
  'batchFailed',
  'batchReleased',
]

/**
 * Sends what can be sent now, from lanes of which something has changed; what time alone changes is seen with the next tick.
 * @param before the state before the event
 */
export function dispatch(draft: Draft, before: State, event: Event): void {
  const all = !OF_ONE_LANE.includes(event.type)
  const failed = event.type === 'batchFailed' ? before.batches.get(event.batch)?.worker : undefined
  for (const lane of [...draft.lanes.values()])
    if (all || isChanged(draft, before, lane) || (failed !== undefined && lane.workers.includes(failed)))
      while (dispatchOne(draft, lane.id));
}

function isChanged(draft: Draft, before: State, lane: Lane): boolean {
  if (before.lanes.get(lane.id) !== lane) return true
  return lane.workers.some((id) => before.seats.get(id) !== draft.seats.get(id))
}

type Waiting = Readonly<Record<Priority, Request[]>>

function dispatchOne(draft: Draft, laneId: string): boolean {
  const lane = draft.lanes.get(laneId)
  if (!lane || lane.waiting.interactive + lane.waiting.bulk === 0 || !someRoom(draft, lane)) return false
  const waiting = waitingIn(draft, lane)
  const first = nextPriority(draft, lane, waiting)
  const second = first === 'bulk' ? 'interactive' : 'bulk'
  const before = sendNext(draft, lane, inTurn(lane, first, waiting[first]), new Set())
  if (before === 'sent') return true
  if (before === 'more' || waiting[second].length === 0) return false
  // where bulk must pause, nobody waits for its turn
  const turns = first === 'bulk' && somePaused(draft, lane) ? [] : before
  const kept = turns.flatMap((request) => candidatesFor(draft, lane, request).map(({ id }) => id))
  return sendNext(draft, lane, inTurn(lane, second, waiting[second]), new Set(kept)) === 'sent'
}

/**
 * Sends the first request that a worker has room for. One that must wait keeps the worker that it waits for: what comes
 * behind it may go elsewhere only.
 * @param kept workers that nothing goes to
 * @returns where none was sent, a request of each kind that waits; `more` where there are kinds that were not looked at
 */
function sendNext(
  draft: Draft,
  lane: Lane,
  ordered: readonly Request[],
  kept: Set<string>,
): 'sent' | 'more' | readonly Request[] {
  const waits = new Map<string, Request>()
  for (const [at, request] of ordered.entries()) {
    const kind = kindOf(lane, request)
    if (waits.has(kind)) continue
    if (waits.size === LOOK) return 'more'
    const { seat, awaits } = choose(draft, lane, request, kept)
    if (seat) {
      send(draft, lane, seat, at === 0 ? ordered : ordered.slice(at))
      return 'sent'
    }
    if (awaits) kept.add(awaits.id)
    waits.set(kind, request)
  }
  return [...waits.values()]
}

/** Requests of one kind may go to the same workers: where one must wait, all must. */
function kindOf(lane: Lane, request: Request): string {
  const { cannot, avoid } = request
  const alone = goesAlone(lane, request)
  return cannot.length + avoid.length === 0 && !alone ? '' : `${cannot} ${avoid} ${alone}`
}

/** Cheap, and false for most steps of a busy lane. */
function someRoom(draft: Draft, lane: Lane): boolean {
  return lane.workers.some((id) => {
    const seat = draft.seats.get(id)
    if (!seat || !serves(lane, seat)) return false
    const held = batchesAt(draft, id)
    return held.length < seat.room || (lane.merges && held.filter(isInteractive).length < seat.room)
  })
}

function waitingIn(draft: Draft, lane: Lane): Waiting {
  const waiting: Waiting = { interactive: [], bulk: [] }
  for (const request of draft.requests.values())
    if (request.lane === lane.id && request.pending.length > 0) waiting[request.priority].push(request)
  return waiting
}

/** Interactive first, but bulk is not starved: it gets a batch after some, after each one when it is old. */
function nextPriority(draft: Draft, lane: Lane, { interactive, bulk }: Waiting): Priority {
  if (bulk.length === 0) return 'interactive'
  if (interactive.length === 0) return 'bulk'
  const { bulkAfter, bulkAgesMs } = draft.limits
  // what waits for a worker that is away gives the others no turns
  const hasPlace = (request: Request) =>
    request.cannot.length === 0 || candidatesFor(draft, lane, request).length > 0
  const oldest = Math.min(...bulk.filter(hasPlace).map(({ submittedMs }) => submittedMs))
  const after = draft.nowMs - oldest >= bulkAgesMs ? 1 : bulkAfter
  return lane.interactiveRun >= after ? 'bulk' : 'interactive'
}

function somePaused(draft: Draft, lane: Lane): boolean {
  return lane.workers.some((id) => {
    const seat = draft.seats.get(id)
    return seat && serves(lane, seat) && isPaused(draft, seat)
  })
}

/**
 * The worker that would be done with the request first; the plan's order counts unless another is clearly earlier.
 * @returns `awaits` when it is best to wait for room there; nothing when no worker may take it now
 */
function choose(
  draft: Draft,
  lane: Lane,
  head: Request,
  kept: ReadonlySet<string>,
): { readonly seat?: Seat; readonly awaits?: Seat } {
  const { tokens, pending, priority } = head
  const size = lane.merges ? (tokens[pending[0] as number] ?? 1) : 1
  let best: Seat | undefined
  let bestMs = Number.POSITIVE_INFINITY
  for (const seat of candidatesFor(draft, lane, head)) {
    if (kept.has(seat.id)) continue
    const ms = finishMs(draft, lane, seat, priority, size)
    if (best && ms > bestMs * WORTH_A_MOVE) continue
    if (best && !hasRoom(draft, lane, seat, head)) continue
    best = seat
    bestMs = ms
  }
  if (!best) return {}
  return hasRoom(draft, lane, best, head) ? { seat: best } : { awaits: best }
}

function hasRoom(draft: Draft, lane: Lane, seat: Seat, head: Request): boolean {
  const held = batchesAt(draft, seat.id)
  if (held.some((batch) => batch.exclusive)) return false
  if (goesAlone(lane, head)) return held.length === 0
  if (head.priority === 'bulk' && seat.givesWay && draft.bulkShare < 1)
    return held.length === 0 && !isPaused(draft, seat)
  // an encoder lets interactive batches overtake those of bulk that it holds, so bulk takes none of their room
  const counted = lane.merges && head.priority === 'interactive' ? held.filter(isInteractive) : held
  return counted.length < seat.room
}

function isPaused(draft: Draft, seat: Seat): boolean {
  return seat.givesWay && draft.bulkShare < 1 && draft.nowMs < seat.bulkFromMs
}

/** A lost request may be what its worker died of. A chat holds its place for long: only when it was lost again. */
function goesAlone(lane: Lane, { tries }: Request): boolean {
  return tries > (lane.merges ? 0 : 1)
}

function isInteractive(batch: Batch): boolean {
  return batch.priority === 'interactive'
}

function send(draft: Draft, lane: Lane, seat: Seat, waiting: readonly Request[]): void {
  const head = waiting[0] as Request // dispatchOne() saw it
  const { priority } = head
  const { parts, paddedTokens } = lane.merges
    ? takeBatch(
        mergeable(lane, seat, waiting),
        draft.limits,
        Math.min(lane.batchTokens, budget(draft, seat, priority, waiting)),
      )
    : { parts: [{ request: head.id, inputs: head.pending }], paddedTokens: 1 }
  countTurns(draft, lane, priority, parts)
  const interactiveRun = priority === 'bulk' ? 0 : lane.interactiveRun + 1
  put(draft.lanes, draft.lanes.get(lane.id) as Lane, { interactiveRun })
  for (const part of parts) {
    const request = draft.requests.get(part.request) as Request
    putRequest(draft, request, {
      pending: request.pending.slice(part.inputs.length),
      running: request.running + 1,
    })
  }
  const expected = expectedMs(seat, paddedTokens)
  const batch: Batch = {
    id: draft.nextBatch,
    worker: seat.id,
    priority,
    parts,
    paddedTokens,
    exclusive: goesAlone(lane, head),
    sentMs: draft.nowMs,
    settled: false,
    ...(expected === undefined ? {} : { expectedMs: expected }),
  }
  draft.nextBatch += 1
  draft.batches.set(batch.id, batch)
  draft.effects.push({ type: 'dispatch', batch, ...fallbackOf(draft, lane, seat, head) })
}

/** A request that was lost before goes alone, and joins no batch of others. */
function mergeable(lane: Lane, { id }: Seat, waiting: readonly Request[]): readonly Request[] {
  const head = waiting[0]
  if (head && goesAlone(lane, head)) return [head]
  return waiting.filter((request) => !goesAlone(lane, request) && !request.cannot.includes(id))
}

function budget(draft: Draft, seat: Seat, priority: Priority, waiting: readonly Request[]): number {
  const { batchTokens, bulkBatchTokens, bulkBatchMs } = draft.limits
  if (priority === 'interactive') return batchTokens
  const least = bulkBatchTokens * LEAST_BULK
  let tokens = muchWaits(draft, waiting) ? bulkBatchTokens : batchTokens
  while (tokens / 2 >= least && (expectedMs(seat, tokens) ?? 0) > bulkBatchMs) tokens /= 2
  return tokens
}

/** More than fits a large batch. */
function muchWaits({ limits }: Draft, waiting: readonly Request[]): boolean {
  let left = 0
  for (const request of waiting)
    for (const index of request.pending) {
      left += request.tokens[index] ?? 1
      if (left > limits.batchTokens) return true
    }
  return false
}

function fallbackOf(
  draft: Draft,
  lane: Lane,
  seat: Seat,
  head: Request,
): { fallback?: { from: string; why: string } } {
  const from = lane.workers.find((id) => !head.cannot.includes(id))
  if (from === undefined || from === seat.id) return {}
  const first = draft.seats.get(from)
  const failing = head.avoid.includes(from) || (first?.breaker.failures ?? 0) >= draft.limits.breakerAfter
  const why = !first?.ready ? (first?.why ?? 'unknown') : failing ? 'failing' : 'busy'
  return { fallback: { from, why } }
}
