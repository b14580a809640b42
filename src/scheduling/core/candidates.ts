/** Which workers of a lane may take a request now. */
import { breakerState } from './breaker.ts'
import { batchesAt, type Draft } from './draft.ts'
import type { Lane, Request, Seat } from './state.ts'

/** Whether a worker is ready that can serve the request and has not failed on it. */
export function hasOther(draft: Draft, request: Request): boolean {
  const lane = draft.lanes.get(request.lane)
  return (lane?.workers ?? []).some((id) => {
    const seat = draft.seats.get(id)
    return lane && seat && serves(lane, seat) && !request.avoid.includes(id) && !request.cannot.includes(id)
  })
}

/** Whether it answers what the lane is for. */
export function serves(lane: Lane, { ready, proven, yieldsTo }: Seat): boolean {
  return ready && yieldsTo === undefined && (proven || !lane.proves)
}

/**
 * Those that may take the request, in plan order: the first one that serves, and those behind it that help when it
 * would end later. The last one that can serve it takes it whatever its breaker says.
 */
export function candidatesFor(draft: Draft, lane: Lane, request: Request): Seat[] {
  const serving = lane.workers.flatMap((id) => {
    const seat = draft.seats.get(id)
    return seat && serves(lane, seat) && !request.cannot.includes(id) ? [seat] : []
  })
  const avoiding = serving.filter(({ id }) => !request.avoid.includes(id))
  const willing = avoiding.length > 0 ? avoiding : serving
  const closed = willing.filter((seat) => mayTry(draft, seat))
  const usable = closed.length > 0 ? closed : willing.every((seat) => isTrying(draft, seat)) ? [] : willing
  return usable.filter((seat, at) => at === 0 || seat.overflow)
}

/** A half open breaker lets one batch through. */
function mayTry(draft: Draft, seat: Seat): boolean {
  const state = breakerState(seat.breaker, draft.limits, draft.nowMs)
  return state === 'closed' || (state === 'halfOpen' && batchesAt(draft, seat.id).length === 0)
}

/** Its breaker is not closed, and it has the one batch that decides. */
function isTrying(draft: Draft, seat: Seat): boolean {
  return (
    breakerState(seat.breaker, draft.limits, draft.nowMs) !== 'closed' && batchesAt(draft, seat.id).length > 0
  )
}
