import type { Batch, Effect, Ending, Lane, Request, Seat, State } from './state.ts'

/** A copy of the state that one step changes: records are replaced, never written to. */
export interface Draft {
  readonly limits: State['limits']
  nowMs: number
  draining: boolean
  nextBatch: number
  readonly lanes: Map<string, Lane>
  readonly seats: Map<string, Seat>
  readonly requests: Map<number, Request>
  readonly batches: Map<number, Batch>
  readonly effects: Effect[]
}

export function draftOf(state: State): Draft {
  return {
    ...state,
    lanes: new Map(state.lanes),
    seats: new Map(state.seats),
    requests: new Map(state.requests),
    batches: new Map(state.batches),
    effects: [],
  }
}

export function put<K, V extends { readonly id: K }>(map: Map<K, V>, value: V, change: Partial<V>): V {
  const changed = { ...value, ...change }
  map.set(value.id, changed)
  return changed
}

/** Ends a request: the only place where one leaves the state. Batches that it alone waited for are called off. */
export function end(draft: Draft, request: Request, ending: Ending): void {
  draft.requests.delete(request.id)
  draft.effects.push({ type: 'end', request: request.id, ending })
  if (request.running === 0) return
  for (const batch of draft.batches.values()) {
    if (batch.settled || !batch.parts.some((part) => part.request === request.id)) continue
    if (batch.parts.some((part) => draft.requests.has(part.request))) continue
    put(draft.batches, batch, { settled: true })
    draft.effects.push({ type: 'cancelBatch', batch: batch.id })
  }
}
