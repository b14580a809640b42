import type { Shelf } from './shelf.ts'
import type { Batch, Effect, Ending, Lane, Request, Seat, State } from './state.ts'

/** A map that is copied with the first change, so that a step pays for what it changes only. */
export class Table<K, V> {
  #map: ReadonlyMap<K, V>
  #own: Map<K, V> | undefined

  constructor(map: ReadonlyMap<K, V>) {
    this.#map = map
  }

  get(key: K): V | undefined {
    return this.#map.get(key)
  }

  has(key: K): boolean {
    return this.#map.has(key)
  }

  keys(): Iterable<K> {
    return this.#map.keys()
  }

  values(): Iterable<V> {
    return this.#map.values()
  }

  set(key: K, value: V): void {
    this.#writable().set(key, value)
  }

  delete(key: K): void {
    if (this.#map.has(key)) this.#writable().delete(key)
  }

  /** As a map that nobody changes any more. */
  done(): ReadonlyMap<K, V> {
    return this.#map
  }

  #writable(): Map<K, V> {
    this.#own ??= new Map(this.#map)
    this.#map = this.#own
    return this.#own
  }
}

/** What one step changes of a state: records are replaced, never written to. */
export interface Draft {
  readonly limits: State['limits']
  nowMs: number
  draining: boolean
  nextBatch: number
  bulkShare: number
  seed: number
  readonly lanes: Table<string, Lane>
  readonly seats: Table<string, Seat>
  requests: Shelf<Request>
  readonly batches: Table<number, Batch>
  readonly effects: Effect[]
}

export function draftOf(state: State): Draft {
  const { limits, nowMs, draining, nextBatch, bulkShare, seed, requests } = state
  return {
    limits,
    nowMs,
    draining,
    nextBatch,
    bulkShare,
    seed,
    requests,
    lanes: new Table(state.lanes),
    seats: new Table(state.seats),
    batches: new Table(state.batches),
    effects: [],
  }
}

export function stateOf(draft: Draft): State {
  const { limits, nowMs, draining, nextBatch, bulkShare, seed, requests } = draft
  return {
    limits,
    nowMs,
    draining,
    nextBatch,
    bulkShare,
    seed,
    requests,
    lanes: draft.lanes.done(),
    seats: draft.seats.done(),
    batches: draft.batches.done(),
  }
}

export function put<K, V extends { readonly id: K }>(table: Table<K, V>, value: V, change: Partial<V>): V {
  const changed = changedBy(value, change)
  table.set(value.id, changed)
  return changed
}

/** A copy with some fields changed; faster than one literal that spreads both. */
function changedBy<V extends object>(value: V, change: Partial<V>): V {
  return Object.assign<V, Partial<V>>({ ...value }, change)
}

/** Keeps the count of what waits in its lane. */
export function putRequest(draft: Draft, request: Request, change: Partial<Request>): Request {
  const changed = changedBy(request, change)
  const before = draft.requests.get(request.id)
  draft.requests = draft.requests.with(request.id, changed)
  countWaiting(draft, request, Number(changed.pending.length > 0) - Number((before?.pending.length ?? 0) > 0))
  return changed
}

function countWaiting(draft: Draft, { lane: id, priority }: Request, more: number): void {
  const lane = draft.lanes.get(id)
  if (!lane || more === 0) return
  put(draft.lanes, lane, { waiting: { ...lane.waiting, [priority]: lane.waiting[priority] + more } })
}

export function batchesAt(draft: Draft, worker: string): Batch[] {
  const held: Batch[] = []
  for (const batch of draft.batches.values()) if (batch.worker === worker) held.push(batch)
  return held
}

/** Those of a batch's requests that have not ended. */
export function requestsOf(draft: Draft, batch: Batch): Request[] {
  return batch.parts.flatMap((part) => draft.requests.get(part.request) ?? [])
}

/** Nobody waits for the batch any more; its worker may take a while to let go of it. */
export function callOff(draft: Draft, batch: Batch): void {
  put(draft.batches, batch, { settled: true })
  draft.effects.push({ type: 'cancelBatch', batch: batch.id })
}

/** Ends a request: the only place where one leaves the state. Batches that it alone waited for are called off. */
export function end(draft: Draft, request: Request, ending: Ending): void {
  if (request.pending.length > 0) countWaiting(draft, request, -1)
  draft.requests = draft.requests.without(request.id)
  draft.effects.push({ type: 'end', request: request.id, ending })
  if (request.running === 0) return
  for (const batch of [...draft.batches.values()]) {
    if (batch.settled || !batch.parts.some((part) => part.request === request.id)) continue
    if (batch.parts.some((part) => draft.requests.has(part.request))) continue
    callOff(draft, batch)
  }
}

/** The next number of the state's own row of them, 0..1. */
export function spread(draft: Draft): number {
  draft.seed = (Math.imul(draft.seed, 1_664_525) + 1_013_904_223) >>> 0
  return draft.seed / 2 ** 32
}
