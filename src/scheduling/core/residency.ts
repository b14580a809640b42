/** Which models are loaded: those that are asked for; of two that do not fit together one makes room for the other. */
import { batchesAt, type Draft, put } from './draft.ts'
import type { Lane, Request, Seat } from './state.ts'

/** Loads what requests wait for, and unloads what stands in its way. */
export function settleModels(draft: Draft): void {
  let settled = true
  for (const seat of draft.seats.values()) if (seat.resting || seat.yieldsTo !== undefined) settled = false
  if (settled) return
  const waiting = [...draft.lanes.values()].flatMap((lane) => {
    const oldest = oldestWaiting(draft, lane)
    return oldest ? [{ lane, oldest }] : []
  })
  waiting.sort((a, b) => a.oldest.submittedMs - b.oldest.submittedMs || a.oldest.id - b.oldest.id)
  for (const { lane, oldest } of waiting) {
    const { wanted, by = oldest } = wantedOf(draft, lane)
    if (wanted && !letsFirst(draft, wanted)) makeRoom(draft, wanted, by)
  }
  for (const seat of [...draft.seats.values()]) {
    if (seat.yieldsTo === undefined) continue
    const waits = oldestWaiting(draft, draft.lanes.get(draft.seats.get(seat.yieldsTo)?.lane ?? ''))
    // whom it made room for has gone, or it was lost meanwhile
    if (!waits || !seat.ready) put(draft.seats, seat, { yieldsTo: undefined })
    else if (batchesAt(draft, seat.id).length === 0) {
      const gaveWayTo = seat.yieldsTo
      put(draft.seats, seat, {
        ready: false,
        resting: true,
        yieldsTo: undefined,
        gaveWayTo,
        why: 'unloaded',
      })
      const next = draft.seats.get(seat.yieldsTo)
      if (next) put(draft.seats, next, { gaveWayTo: undefined }) // its turn has come
      draft.effects.push({ type: 'rest', worker: seat.id })
    }
  }
}

/** What is unloaded and needed by something that waits, and by what: requests may need another worker than those before. */
function wantedOf(draft: Draft, lane: Lane): { readonly wanted?: Seat; readonly by?: Request } {
  const seen = new Set<string>()
  for (const by of draft.requests.values()) {
    if (by.lane !== lane.id || by.pending.length === 0 || seen.has(`${by.cannot}`)) continue
    seen.add(`${by.cannot}`)
    const wanted = neededBy(draft, lane, by)
    if (wanted) return { wanted, by }
  }
  return {}
}

/** Of the workers that can serve it, the plan's first one, and another one while none is at work. */
function neededBy(draft: Draft, lane: Lane, { cannot }: Request): Seat | undefined {
  const seats = lane.workers
    .flatMap((id) => draft.seats.get(id) ?? [])
    .filter(({ gone, id }) => !gone && !cannot.includes(id))
  const [first] = seats
  if (first?.resting) return first
  const atWork = seats.some(({ ready, resting, why }) => ready || (!resting && why === 'starting'))
  return atWork ? undefined : seats.find(({ resting }) => resting)
}

/** Whether it was unloaded for one that has not begun to load, and that requests still wait for. */
function letsFirst(draft: Draft, { gaveWayTo }: Seat): boolean {
  const next = gaveWayTo === undefined ? undefined : draft.seats.get(gaveWayTo)
  return (
    next?.resting === true && !next.gone && oldestWaiting(draft, draft.lanes.get(next.lane)) !== undefined
  )
}

function makeRoom(draft: Draft, wanted: Seat, oldest: Request): void {
  const standing = wanted.excludes.flatMap((id) => draft.seats.get(id) ?? []).filter((seat) => !seat.gone)
  const holding = standing.filter(({ holdsMemory }) => holdsMemory)
  if (holding.length === 0) {
    put(draft.seats, wanted, { resting: false, holdsMemory: true, why: 'starting' })
    draft.effects.push({ type: 'wake', worker: wanted.id })
    return
  }
  for (const seat of holding) {
    if (!seat.ready || seat.yieldsTo !== undefined) continue
    const lane = draft.lanes.get(seat.lane)
    const idle = !oldestWaiting(draft, lane)
    // one that loaded for longer than that serves before it goes again
    const sinceMs = Math.max(oldest.submittedMs, seat.loadedAtMs)
    if (idle || draft.nowMs - sinceMs >= draft.limits.swapMs) put(draft.seats, seat, { yieldsTo: wanted.id })
  }
}

function oldestWaiting(draft: Draft, lane: Lane | undefined): Request | undefined {
  if (lane && lane.waiting.interactive + lane.waiting.bulk > 0)
    for (const request of draft.requests.values())
      if (request.lane === lane.id && request.pending.length > 0) return request
  return undefined
}
