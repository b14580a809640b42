/** What the scheduler knows, as plain data: ids, numbers and words; no clock, promise or signal. */
import type { Priority } from '../../domain/index.ts'

export interface Limits {
  /** Requests of a lane that wait; then QUEUE_FULL. Interactive ones do not count the bulk before them. */
  readonly maxWaiting: number
  /** Times that a request may be lost with a worker. */
  readonly maxTries: number
  /** Milliseconds that an answer which broke off waits for its next text. */
  readonly maxGapMs: number
  /** Padded tokens (longest x count) of a batch. */
  readonly batchTokens: number
  /** The same for bulk while much waits: short batches let a person in sooner. */
  readonly bulkBatchTokens: number
  readonly batchInputs: number
  /** Interactive batches in a row after which waiting bulk gets one. */
  readonly bulkAfter: number
}

/** The queue of one task and model, served by its workers in plan order. */
export interface Lane {
  readonly id: string
  /** Worker ids in plan order. */
  readonly workers: readonly string[]
  /** Encoders merge requests into batches; decoders take one each. */
  readonly merges: boolean
  /** Padded tokens of a batch that its model finishes soon enough; at most the limits' own. */
  readonly batchTokens: number
  /** Interactive batches since the last bulk one. */
  readonly interactiveRun: number
  /** Running mean of a batch's milliseconds, for Retry-After. */
  readonly batchMs: number
}

export interface Seat {
  readonly id: string
  readonly lane: string
  /** Serves also while an earlier one is ready but full. */
  readonly overflow: boolean
  readonly ready: boolean
  /** It will not come back. */
  readonly gone: boolean
  /** Why it is not ready, for a person. */
  readonly why: string
  /** Batches that it takes at once, of each priority. */
  readonly room: number
  /** The plan has dropped it: it serves until a worker of the plan is ready in its lane. */
  readonly leaving: boolean
}

export interface Request {
  readonly id: number
  readonly lane: string
  readonly priority: Priority
  /** Only requests of one kind share a batch (queries and passages differ in their prefix). */
  readonly kind: string
  /** Since when its deadline counts: it came, or its answer broke off. */
  readonly waitsSinceMs: number
  /** Absolute; until done, for a chat until its first delta, also of an answer that broke off. */
  readonly deadlineMs: number
  /** Estimated tokens of each input. */
  readonly tokens: readonly number[]
  /** Indexes of inputs that wait, shortest first. */
  readonly pending: readonly number[]
  /** Batches at workers that hold inputs of this request. */
  readonly running: number
  /** Times that it was lost with a worker; after some it runs alone, so that it harms nobody else. */
  readonly tries: number
  /** A batch that it shared was refused: it runs in batches of its own. */
  readonly alone: boolean
  /** Workers whose engine failed on it: another one is to try. */
  readonly avoid: readonly string[]
  /** A chat whose text comes. */
  readonly started: boolean
}

export interface Part {
  readonly request: number
  /** Indexes of the request's inputs. */
  readonly inputs: readonly number[]
}

export interface Batch {
  readonly id: number
  readonly worker: string
  readonly priority: Priority
  readonly parts: readonly Part[]
  /** The worker must have nothing beside it. */
  readonly exclusive: boolean
  readonly sentMs: number
  /** Answered or given up, but the worker has not let go of it. */
  readonly settled: boolean
}

export interface State {
  readonly limits: Limits
  readonly nowMs: number
  readonly draining: boolean
  readonly nextBatch: number
  readonly lanes: ReadonlyMap<string, Lane>
  readonly seats: ReadonlyMap<string, Seat>
  /** In order of arrival. */
  readonly requests: ReadonlyMap<number, Request>
  readonly batches: ReadonlyMap<number, Batch>
}

/** What a batch failed of: the worker went away, its engine gave up, or the input is wrong. */
export type Fault = 'worker' | 'engine' | 'input'

export type Event = { readonly nowMs: number } & (
  | {
      readonly type: 'submitted'
      readonly request: Pick<Request, 'id' | 'lane' | 'priority' | 'kind' | 'deadlineMs' | 'tokens'>
    }
  /** `room`: chats at once, or encoder batches sent ahead plus one. */
  | { readonly type: 'workerReady'; readonly worker: string; readonly room: number }
  | {
      readonly type: 'workerLost'
      readonly worker: string
      readonly why: string
      /** It will not come back. */
      readonly gone: boolean
    }
  | { readonly type: 'firstDelta'; readonly batch: number }
  | { readonly type: 'batchDone'; readonly batch: number }
  | { readonly type: 'batchFailed'; readonly batch: number; readonly fault: Fault }
  /** The worker has let go of a batch. */
  | { readonly type: 'batchReleased'; readonly batch: number }
  | { readonly type: 'cancelled'; readonly request: number }
  | { readonly type: 'ticked' }
  /** Another plan: all its lanes. */
  | { readonly type: 'replanned'; readonly lanes: readonly LaneSpec[] }
  | { readonly type: 'draining' }
  | { readonly type: 'stopped' }
)

export type Ending =
  | { readonly how: 'done' }
  | { readonly how: 'cancelled' | 'shuttingDown' }
  /** `ms`: how long it had. */
  | { readonly how: 'deadline'; readonly ms: number }
  | {
      readonly how: 'queueFull'
      readonly lane: string
      readonly waiting: number
      readonly retryAfterS: number
    }
  /** Every worker of the lane is gone. */
  | { readonly how: 'unserved'; readonly lane: string }
  /** As that batch failed, or its worker was lost. */
  | { readonly how: 'failed'; readonly batch: number; readonly worker: string }

export type Effect =
  | {
      readonly type: 'dispatch'
      readonly batch: Batch
      /** Which worker should have served, and why it did not. */
      readonly fallback?: { readonly from: string; readonly why: string }
    }
  | { readonly type: 'end'; readonly request: number; readonly ending: Ending }
  /** Nobody waits for it any more. */
  | { readonly type: 'cancelBatch'; readonly batch: number }
  /** The plan has dropped it and it holds nothing: it may be stopped. */
  | { readonly type: 'vacated'; readonly worker: string }

export interface LaneSpec {
  readonly id: string
  readonly merges: boolean
  /** Absent: the limits'. */
  readonly batchTokens?: number
  /** In plan order. */
  readonly workers: readonly { readonly id: string; readonly overflow: boolean }[]
}

export function freshSeat(lane: string, worker: LaneSpec['workers'][number]): Seat {
  return { ...worker, lane, ready: false, gone: false, why: 'starting', room: 0, leaving: false }
}

export function freshLane(spec: LaneSpec, limits: Limits): Lane {
  const { id, merges, batchTokens = limits.batchTokens } = spec
  const workers = spec.workers.map((worker) => worker.id)
  return { id, merges, batchTokens, workers, interactiveRun: 0, batchMs: 100 }
}

export function initialState(limits: Limits, lanes: readonly LaneSpec[], nowMs: number): State {
  const seats = lanes.flatMap((lane) => lane.workers.map((worker) => freshSeat(lane.id, worker)))
  return {
    limits,
    nowMs,
    draining: false,
    nextBatch: 1,
    lanes: new Map(lanes.map((lane) => [lane.id, freshLane(lane, limits)])),
    seats: new Map(seats.map((seat) => [seat.id, seat])),
    requests: new Map(),
    batches: new Map(),
  }
}
