import { serves } from './candidates.ts'
import { type Draft, end, putRequest } from './draft.ts'
import { inTurn, joinTurns } from './fairness.ts'
import type { Ending, Event, Lane, Request, State } from './state.ts'

/** Seconds that a refused client is told to wait, at most. */
const MAX_RETRY_AFTER_S = 60

type Submitted = Extract<Event, { type: 'submitted' }>['request']

const NOBODY: readonly string[] = []
const NO_TRAITS: readonly string[] = []

/** Takes a request into the queue, which is bounded: past `maxWaiting` waiting requests it is refused as queue full. */
export function admit(draft: Draft, submitted: Submitted): void {
  const request = freshRequest(draft, submitted)
  const lane = draft.lanes.get(request.lane)
  // waiting bulk does not lock people out
  const { interactive = 0, bulk = 0 } = lane?.waiting ?? {}
  const waiting = interactive + (request.priority === 'bulk' ? bulk : 0)
  putRequest(draft, request, {})
  const unserved = unservedEnding(draft, request)
  if (draft.draining) end(draft, request, { how: 'shuttingDown' })
  else if (!lane || unserved) end(draft, request, unserved ?? { how: 'unserved', lane: request.lane })
  else if (waiting >= draft.limits.maxWaiting) {
    const retryAfterS = retryAfter(lane, waiting)
    end(draft, request, { how: 'queueFull', lane: lane.id, waiting, retryAfterS })
  } else if (request.pending.length === 0) end(draft, request, { how: 'done' })
  else joinTurns(draft, lane, request)
}

/** Field by field: records of one shape are what is copied fastest. */
function freshRequest(draft: Draft, submitted: Submitted): Request {
  const {
    id,
    lane,
    priority,
    client,
    kind,
    deadlineMs,
    tokens,
    cannot = NOBODY,
    traits = NO_TRAITS,
  } = submitted
  const order = tokens.map((_, index) => index)
  return {
    id,
    lane,
    priority,
    client,
    kind,
    submittedMs: draft.nowMs,
    deadlineMs,
    tokens,
    pending: order.sort((a, b) => (tokens[a] ?? 0) - (tokens[b] ?? 0)),
    running: 0,
    tries: 0,
    suspects: [],
    alone: false,
    kills: 0,
    avoid: NOBODY,
    cannot,
    started: false,
    shown: false,
    traits,
  }
}

/** Until those that wait now are answered, at the pace of the last answers. */
function retryAfter({ answerMs }: Lane, waiting: number): number {
  return Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil((waiting * answerMs) / 1000)))
}

export function laneIsGone(draft: Draft, lane: string): boolean {
  const workers = draft.lanes.get(lane)?.workers ?? []
  return workers.every((id) => draft.seats.get(id)?.gone)
}

/** How a request ends that no worker is left for; undefined while one may still come. */
export function unservedEnding(draft: Draft, { lane, cannot }: Request): Ending | undefined {
  if (laneIsGone(draft, lane)) return { how: 'unserved', lane }
  if (cannot.length === 0) return undefined
  const left = draft.lanes.get(lane)?.workers ?? []
  const able = left.some((id) => !cannot.includes(id) && draft.seats.get(id)?.gone === false)
  return able ? undefined : { how: 'unable', lane, cannot }
}

/** Ends what is over its time (all that waits, and chats that wait to go on), and what nothing is left for. */
export function expire(draft: Draft): void {
  for (const request of draft.requests.values()) {
    const { deadlineMs, submittedMs, started, running, cannot } = request
    if (deadlineMs <= draft.nowMs && !(started && running > 0))
      end(draft, request, {
        how: 'deadline',
        ms: Math.round(deadlineMs - submittedMs),
        ...awaited(draft, request),
      })
    else if (cannot.length > 0 && running === 0) {
      const unserved = unservedEnding(draft, request)
      if (unserved) end(draft, request, unserved)
    }
  }
}

/** The first worker that could serve what waits, where each such is away. */
function awaited(draft: Draft, { lane: id, running, cannot }: Request): { awaits?: string } {
  const lane = draft.lanes.get(id)
  if (!lane || running > 0) return {}
  const able = lane.workers.flatMap((worker) => draft.seats.get(worker) ?? [])
  const coming = able.filter((seat) => !seat.gone && !cannot.includes(seat.id))
  const [first] = coming
  return !first || coming.some((seat) => serves(lane, seat)) ? {} : { awaits: first.id }
}

/** A chat has begun to write. @param shown whether something of it is out */
export function begun(draft: Draft, request: Request, shown: boolean): void {
  putRequest(draft, request, { started: true, shown: request.shown || shown })
}

/** How many requests a waiting one has before it, itself counted; undefined when it does not wait. */
export function positionOf(state: State, id: number): number | undefined {
  const request = state.requests.get(id)
  const lane = request && state.lanes.get(request.lane)
  if (!request || !lane || request.pending.length === 0) return undefined
  const waiting = state.requests
    .values()
    .filter((other) => other.lane === lane.id && other.pending.length > 0)
  const own = waiting.filter(({ priority }) => priority === request.priority)
  const before = request.priority === 'bulk' ? waiting.length - own.length : 0
  return before + inTurn(lane, request.priority, own).findIndex((other) => other.id === id) + 1
}
