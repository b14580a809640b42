import { batchesAt, type Draft, end, put } from './draft.ts'
import { freshLane, freshSeat, type Lane, type LaneSpec, type Seat } from './state.ts'

/**
 * Takes a new plan: lanes and workers as it says. What runs goes on; a worker that the plan has dropped serves its
 * lane until one of the plan is ready there.
 */
export function replan(draft: Draft, specs: readonly LaneSpec[]): void {
  const planned = new Set(specs.flatMap((spec) => spec.workers.map((worker) => worker.id)))
  for (const seat of [...draft.seats.values()]) put(draft.seats, seat, { leaving: !planned.has(seat.id) })
  for (const spec of specs) {
    for (const worker of spec.workers) {
      const known = draft.seats.get(worker.id)
      if (known && !known.gone) {
        const { overflow, givesWay, excludes } = freshSeat(spec.id, worker)
        put(draft.seats, known, { overflow, givesWay, excludes })
      } else draft.seats.set(worker.id, freshSeat(spec.id, worker))
    }
    const known = draft.lanes.get(spec.id)
    const fresh = freshLane(spec, draft.limits)
    const leaving = [...draft.seats.values()].filter((seat) => seat.lane === spec.id && seat.leaving)
    const { batchTokens, merges, proves } = fresh
    const workers = [...fresh.workers, ...leaving.map((seat) => seat.id)]
    const lane = known ?? { ...fresh, waiting: waitingFor(draft, spec.id) }
    draft.lanes.set(spec.id, { ...lane, batchTokens, merges, proves, workers })
  }
  for (const id of [...draft.lanes.keys()]) if (!specs.some((spec) => spec.id === id)) draft.lanes.delete(id)
  for (const request of draft.requests.values())
    if (request.running === 0 && !draft.lanes.has(request.lane))
      end(draft, request, { how: 'unserved', lane: request.lane })
}

/** Lets those workers go that the plan has dropped, that nobody needs any more and that hold nothing. */
export function vacate(draft: Draft): void {
  for (const seat of [...draft.seats.values()]) {
    if (!seat.leaving || isNeeded(draft, seat)) continue
    const lane = draft.lanes.get(seat.lane)
    if (lane?.workers.includes(seat.id))
      put(draft.lanes, lane, { workers: lane.workers.filter((id) => id !== seat.id) })
    if (batchesAt(draft, seat.id).length > 0) continue
    draft.seats.delete(seat.id)
    draft.effects.push({ type: 'vacated', worker: seat.id })
  }
}

function isNeeded(draft: Draft, seat: Seat): boolean {
  const workers = draft.lanes.get(seat.lane)?.workers ?? []
  const successor = workers.some((id) => {
    const other = draft.seats.get(id)
    return other?.ready && !other.leaving
  })
  return seat.ready && workers.includes(seat.id) && !successor
}

/** A lane that comes back finds those again that were partly answered when it went. */
function waitingFor(draft: Draft, lane: string): Lane['waiting'] {
  const waiting = { interactive: 0, bulk: 0 }
  for (const request of draft.requests.values())
    if (request.lane === lane && request.pending.length > 0) waiting[request.priority] += 1
  return waiting
}
