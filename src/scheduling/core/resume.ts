/** Who cannot go on with an answer that was cut: to begin anew would show its text twice. */
import { unservedEnding } from './admission.ts'
import { type Draft, end, putRequest } from './draft.ts'
import type { Request, Seat } from './state.ts'

/** @returns `cannot`, with the workers that would begin anew where some of the answer was shown */
export function cannotGoOn(draft: Draft, request: Request): readonly string[] {
  const { shown, lane, cannot } = request
  if (!shown) return cannot
  const others = (draft.lanes.get(lane)?.workers ?? []).filter((id) => {
    const seat = draft.seats.get(id)
    return seat && !cannot.includes(id) && beginsAnew(seat, request)
  })
  return others.length === 0 ? cannot : [...cannot, ...others]
}

/** A worker that is ready tells what it goes on with: what waits to go on, and not there, may have waited for nothing else. */
export function settleCut(draft: Draft, seat: Seat): void {
  if (seat.resumes === undefined) return
  for (const request of draft.requests.values()) {
    const waits = request.lane === seat.lane && request.shown && request.running === 0
    if (!waits || request.cannot.includes(seat.id) || !beginsAnew(seat, request)) continue
    const cut = putRequest(draft, request, { cannot: [...request.cannot, seat.id] })
    const unserved = unservedEnding(draft, cut)
    if (unserved) end(draft, cut, unserved)
  }
}

function beginsAnew({ resumes }: Seat, { traits }: Request): boolean {
  return resumes !== undefined && traits.some((trait) => !resumes.includes(trait))
}
