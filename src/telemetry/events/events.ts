/** What happens to workers and requests, told as it happens: at a bounded rate, the last ones kept. */
import type { Placement, PlacementRef, WorkerState } from '../../domain/index.ts'
import type { ObservedMove, ObservedWorker, Observer } from '../observer.ts'
import { Coalescer } from './coalesce.ts'
import { type LoadingPhase, Loadings } from './loading.ts'

/** Engine and device of a placement. */
type Place = Pick<Placement, 'engine' | 'device'>

export type ServerEvent = { readonly at: string; readonly simulated: boolean } & (
  | {
      /** Another placement serves than the first of the plan; `count`: batches and chats since the last event of these two. */
      readonly type: 'fallback'
      readonly task: string
      readonly model: string
      readonly from: Place
      readonly to: Place
      readonly why: string
      readonly count: number
    }
  | (PlacementRef & {
      /** Requests went back to the queue; `count`: since the last event of this placement. */
      readonly type: 'retry'
      readonly why: string
      readonly count: number
    })
  | (PlacementRef & {
      /** Nothing is sent to a placement whose engine failed too often in a row, for `forMs`; or it answers again. */
      readonly type: 'breaker'
      readonly open: boolean
      readonly forMs?: number
    })
  | {
      /** A chat goes on elsewhere in mid-answer, after `atToken` tokens. */
      readonly type: 'continued'
      readonly model: string
      readonly from: Place
      readonly to: Place
      readonly why: string
      readonly atToken: number
    }
  | (PlacementRef & {
      readonly type: 'worker'
      readonly id: string
      readonly state: WorkerState
      readonly resting: boolean
      readonly error?: string
      readonly retryInMs?: number
    })
  | (PlacementRef & {
      readonly type: 'loading'
      readonly id: string
      readonly phase: LoadingPhase
      /** Since it began; of `loaded`, all that it took. */
      readonly ms: number
      /** What it took when it was measured. */
      readonly expectedMs?: number
      /** Share of the weights that are in memory, 0..1, of `loading`; absent: the engine does not tell. */
      readonly progress?: number
    })
)

type Untimed = ServerEvent extends infer E ? (E extends ServerEvent ? Omit<E, 'at'> : never) : never

export interface EventStream {
  readonly observer: Partial<Observer>
  /** Hears every event. @returns ends it */
  onEvent(listener: (event: ServerEvent) => void): () => void
  /** The last ones, the newest at the end; progress of a load is not among them. */
  recent(): readonly ServerEvent[]
  close(): void
}

/** Events that are kept for who asks later. */
const KEPT = 50
/** Milliseconds in which like events are told once. */
const WINDOW_MS = 1_000

export function createEventStream(): EventStream {
  const listeners = new Set<(event: ServerEvent) => void>()
  let kept: ServerEvent[] = []
  const tell = (untimed: Untimed) => {
    const event = { at: new Date().toISOString(), ...untimed } as ServerEvent
    if (event.type !== 'loading' || event.phase !== 'loading') kept = [...kept, event].slice(-KEPT)
    for (const listener of listeners) listener(event)
  }
  const fallbacks = new Coalescer<ObservedMove>(WINDOW_MS, ({ from, to, why }, count) =>
    tell({ type: 'fallback', ...movedFrom(from, to), task: to.task, why, count }),
  )
  const retries = new Coalescer<{ at: Placement; why: string }>(WINDOW_MS, ({ at, why }, count) =>
    tell({ type: 'retry', ...refOf(at), why, count }),
  )
  const loadings = new Loadings(({ id, placement, expectedMs }, phase, ms, progress) =>
    tell({
      type: 'loading',
      id,
      ...refOf(placement),
      phase,
      ms: Math.round(ms),
      ...(expectedMs === undefined ? {} : { expectedMs: Math.round(expectedMs) }),
      ...(progress === undefined ? {} : { progress }),
    }),
  )
  return {
    observer: {
      fellBack: (move) => fallbacks.add(`${placeKey(move.from)} ${placeKey(move.to)} ${move.why}`, move),
      retried: (at, why) => retries.add(`${placeKey(at)} ${why}`, { at, why }),
      continued: ({ from, to, why }, atToken) =>
        tell({ type: 'continued', ...movedFrom(from, to), why, atToken }),
      breaker: (at, openForMs) =>
        tell({
          type: 'breaker',
          ...refOf(at),
          open: openForMs !== undefined,
          ...(openForMs === undefined ? {} : { forMs: Math.round(openForMs) }),
        }),
      workerChanged(worker) {
        tell(workerEvent(worker))
        loadings.heard(worker)
      },
      workerLoading: (id, progress) => loadings.progressed(id, progress),
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    recent: () => kept,
    close() {
      fallbacks.close()
      retries.close()
      loadings.close()
      listeners.clear()
    },
  }
}

function workerEvent({ id, placement, state, error, retryInMs, resting }: ObservedWorker): Untimed {
  return {
    type: 'worker',
    id,
    ...refOf(placement),
    state,
    resting: resting ?? false,
    ...(error ? { error: error.message } : {}),
    ...(retryInMs === undefined ? {} : { retryInMs: Math.round(retryInMs) }),
  }
}

function refOf({ task, model, engine, device, simulated }: Placement) {
  return { task, model, engine, device, simulated }
}

function movedFrom(from: Placement, to: Placement) {
  const place = ({ engine, device }: Placement): Place => ({ engine, device })
  return { model: to.model, from: place(from), to: place(to), simulated: to.simulated }
}

function placeKey({ task, model, engine, device }: Placement): string {
  return `${task}:${model}:${engine}:${device}`
}
