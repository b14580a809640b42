/** What the scheduler knows, as plain data: ids, numbers and words; no clock, promise or signal. */
import type { Priority } from '../../domain/index.ts'
import { type Breaker, CLOSED } from './breaker.ts'
import { type Climb, freshClimb } from './concurrency.ts'
import { Shelf } from './shelf.ts'

export interface Limits {
  /** Requests of a lane that wait; then QUEUE_FULL. Interactive ones do not count the bulk before them. */
  readonly maxWaiting: number
  /** Times that a request may be lost with a worker. */
  readonly maxTries: number
  /** Times that an encoder may be killed from outside under a request. */
  readonly maxKills: number
  /** Padded tokens (longest x count) of a batch. */
  readonly batchTokens: number
  /** The same for bulk while much waits: short batches let a person in sooner. */
  readonly bulkBatchTokens: number
  /** Milliseconds that a bulk batch should take at most, so that a person waits no longer for the next boundary. */
  readonly bulkBatchMs: number
  readonly batchInputs: number
  /** Interactive batches in a row after which waiting bulk gets one. */
  readonly bulkAfter: number
  /** Milliseconds of waiting after which bulk gets every second batch. */
  readonly bulkAgesMs: number
  /** Milliseconds that a chat whose worker was lost may wait for another one. */
  readonly resumeMs: number
  /** Refusals of an engine in a row that open its breaker. */
  readonly breakerAfter: number
  /** Milliseconds that a breaker stays open the first time; doubled each time, up to the second. */
  readonly breakerMs: number
  readonly maxBreakerMs: number
  /** An interactive batch that takes so many times what it should, and at least `hedgeMs`, is sent to another worker too. */
  readonly hedgeTimes: number
  readonly hedgeMs: number
  /** Milliseconds that requests wait for a model that does not fit beside one that is in use, before that one must go. */
  readonly swapMs: number
}

/** The queue of one task and model, served by its workers in plan order. */
export interface Lane {
  readonly id: string
  /** Worker ids in plan order. */
  readonly workers: readonly string[]
  /** Encoders merge requests into batches; decoders take one each. */
  readonly merges: boolean
  /** Only workers whose answers were compared with the model's reference may serve. */
  readonly proves: boolean
  /** Padded tokens of a batch that its model finishes soon enough; at most the limits' own. */
  readonly batchTokens: number
  /** Requests with inputs that wait. */
  readonly waiting: Readonly<Record<Priority, number>>
  /** Interactive batches since the last bulk one. */
  readonly interactiveRun: number
  /** Running mean of the milliseconds between two ends of requests while some wait, for Retry-After. */
  readonly answerMs: number
  /** When a request last ended with an answer. */
  readonly answeredAtMs: number
  /** What each client has had of the lane, by priority: who has had least is next. */
  readonly turns: Readonly<Record<Priority, Turns>>
}

export interface Turns {
  /** Tokens that were served to a client since it began to wait, on the scale of all. */
  readonly had: ReadonlyMap<string, number>
  /** Where a client that begins to wait now starts. */
  readonly floor: number
}

export interface Seat {
  readonly id: string
  readonly lane: string
  /** Serves also while an earlier one would end later. */
  readonly overflow: boolean
  readonly ready: boolean
  /** Traits of answers that it goes on with where another worker was lost; undefined: of any, or it does not tell. */
  readonly resumes: readonly string[] | undefined
  /** Its answers were compared with the reference of its model, or need not be. */
  readonly proven: boolean
  /** It will not come back. */
  readonly gone: boolean
  /** Why it is not ready, for a person. */
  readonly why: string
  /** Batches that it takes at once, of each priority. */
  readonly room: number
  /** How the room is found by what it brings. */
  readonly climb: Climb
  /** The plan has dropped it: it serves until a worker of the plan is ready in its lane. */
  readonly leaving: boolean
  /** Its model is unloaded until somebody needs it. */
  readonly resting: boolean
  /** Its memory is in use: false once it rests and its process has ended. */
  readonly holdsMemory: boolean
  /** Workers whose models do not fit beside this one's. */
  readonly excludes: readonly string[]
  /** It takes nothing more, so that this worker can load. */
  readonly yieldsTo: string | undefined
  /** The worker that it was last unloaded for. */
  readonly gaveWayTo: string | undefined
  /** When its model was last loaded. */
  readonly loadedAtMs: number
  /** It works on processors that the user's programs need: its bulk gives way to them. */
  readonly givesWay: boolean
  /** No bulk before. */
  readonly bulkFromMs: number
  readonly breaker: Breaker
  /** Measured milliseconds for a padded token (decoders: an answer), by the power of two of a batch's tokens. */
  readonly pace: readonly (number | undefined)[]
  /** When it last let go of a batch. */
  readonly freeSinceMs: number
}

export interface Request {
  readonly id: number
  readonly lane: string
  readonly priority: Priority
  /** Who asks: an API key or a connection. Clients of a priority share a lane evenly. */
  readonly client: string
  /** Only requests of one kind share a batch (queries and passages differ in their prefix). */
  readonly kind: string
  readonly submittedMs: number
  /** Absolute; until done, for a chat until its first delta, and again while it waits to go on. */
  readonly deadlineMs: number
  /** Estimated tokens of each input. */
  readonly tokens: readonly number[]
  /** Indexes of inputs that wait, shortest first. */
  readonly pending: readonly number[]
  /** Batches at workers that hold inputs of this request; a batch and its hedge count once. */
  readonly running: number
  /** Times that it was lost with a worker while it has suspects; then it runs alone, so that it harms nobody else. */
  readonly tries: number
  /** Inputs that were lost with a worker and not answered since. Once they are, the worker did not die of this request. */
  readonly suspects: readonly number[]
  /** A batch that it shared was refused: it runs in batches of its own. */
  readonly alone: boolean
  /** Times that its worker was killed from outside: none of these says anything of its inputs. */
  readonly kills: number
  /** Workers whose engine failed on it: another one is to try. */
  readonly avoid: readonly string[]
  /** Workers that can never serve it, because of what it holds: it waits for another one, however long that is away. */
  readonly cannot: readonly string[]
  /** A chat that has sent text: it goes on from there. */
  readonly started: boolean
  /** Some of it was shown: nobody may begin anew. */
  readonly shown: boolean
  /** What its answer is like, for who is to go on with it. */
  readonly traits: readonly string[]
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
  /** Longest x count. */
  readonly paddedTokens: number
  /** The worker must have nothing beside it. */
  readonly exclusive: boolean
  readonly sentMs: number
  /** Milliseconds that it should take once the worker begins with it; absent: its worker was never measured. */
  readonly expectedMs?: number
  /** The same inputs at another worker: the first answer counts. */
  readonly twin?: number
  /** Answered or given up, but the worker has not let go of it. */
  readonly settled: boolean
}

export interface State {
  readonly limits: Limits
  readonly nowMs: number
  readonly draining: boolean
  readonly nextBatch: number
  /** Share of their time that workers which give way spend on bulk, 0..1. */
  readonly bulkShare: number
  /** Of the numbers that spread retries. */
  readonly seed: number
  readonly lanes: ReadonlyMap<string, Lane>
  readonly seats: ReadonlyMap<string, Seat>
  /** In order of arrival. */
  readonly requests: Shelf<Request>
  readonly batches: ReadonlyMap<number, Batch>
}

/** What a batch failed of: the worker went away, its engine gave up, it cannot do this but another may, or the input is wrong. */
export type Fault = 'worker' | 'engine' | 'unable' | 'input'

export type Event = { readonly nowMs: number } & (
  | {
      readonly type: 'submitted'
      readonly request: Pick<
        Request,
        'id' | 'lane' | 'priority' | 'client' | 'kind' | 'deadlineMs' | 'tokens'
      > &
        Partial<Pick<Request, 'cannot' | 'traits'>>
    }
  | {
      readonly type: 'workerReady'
      readonly worker: string
      /** Chats at once, or encoder batches sent ahead plus one. */
      readonly room: number
      /** Up to which more room may be tried; absent: `room`. */
      readonly maxRoom?: number
      /** Absent: it does not tell. */
      readonly resumes?: readonly string[] | undefined
      readonly proven: boolean
      /** It failed often: one batch decides whether it stays. */
      readonly probing?: boolean
    }
  | {
      readonly type: 'workerLost'
      readonly worker: string
      readonly why: string
      /** It will not come back. */
      readonly gone: boolean
      /** It was unloaded, and loads again when it is needed. */
      readonly resting?: boolean
      /** Somebody ended its process, whatever that was doing. */
      readonly killed?: boolean
    }
  /** The process of a worker that rests has ended. */
  | { readonly type: 'memoryFreed'; readonly worker: string }
  /** `shown`: with text or a call; told again where the first had none. */
  | { readonly type: 'firstDelta'; readonly batch: number; readonly shown: boolean }
  /** `tokens`: that a chat wrote. */
  | { readonly type: 'batchDone'; readonly batch: number; readonly tokens?: number | undefined }
  | {
      readonly type: 'batchFailed'
      readonly batch: number
      readonly fault: Fault
      /** `unable`: others of which it is known as well. */
      readonly cannot?: readonly string[]
    }
  /** The worker has let go of a batch. */
  | { readonly type: 'batchReleased'; readonly batch: number }
  | { readonly type: 'cancelled'; readonly request: number }
  | { readonly type: 'ticked' }
  /** Another plan: all its lanes. */
  | { readonly type: 'replanned'; readonly lanes: readonly LaneSpec[] }
  /** Other programs need the processors more, or less: the share that bulk may take, 0..1. */
  | { readonly type: 'bulkPaced'; readonly share: number }
  | { readonly type: 'draining' }
  | { readonly type: 'stopped' }
)

export type Ending =
  | { readonly how: 'done' }
  | { readonly how: 'cancelled' | 'shuttingDown' }
  /** `ms`: how long it had. `awaits`: the worker that was away all the time; absent: it waited its turn, or ran. */
  | { readonly how: 'deadline'; readonly ms: number; readonly awaits?: string }
  | {
      readonly how: 'queueFull'
      readonly lane: string
      readonly waiting: number
      readonly retryAfterS: number
    }
  /** Every worker of the lane is gone. */
  | { readonly how: 'unserved'; readonly lane: string }
  /** Every worker that is left can never serve it. */
  | { readonly how: 'unable'; readonly lane: string; readonly cannot: readonly string[] }
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
  /** It was lost or refused, and waits for another try. */
  | { readonly type: 'retry'; readonly request: number; readonly worker: string; readonly fault: Fault }
  /** Nobody waits for it any more. */
  | { readonly type: 'cancelBatch'; readonly batch: number }
  /** The plan has dropped it and it holds nothing: it may be stopped. */
  | { readonly type: 'vacated'; readonly worker: string }
  /** Requests wait for a model that is unloaded: load it. */
  | { readonly type: 'wake'; readonly worker: string }
  /** Unload it, so that another model has its memory. */
  | { readonly type: 'rest'; readonly worker: string }
  | { readonly type: 'breakerOpened'; readonly worker: string; readonly forMs: number }
  | { readonly type: 'breakerClosed'; readonly worker: string }

export interface LaneSpec {
  readonly id: string
  readonly merges: boolean
  readonly proves: boolean
  /** Absent: the limits'. */
  readonly batchTokens?: number
  /** In plan order. */
  readonly workers: readonly WorkerSpec[]
}

export interface WorkerSpec {
  readonly id: string
  readonly overflow: boolean
  readonly givesWay?: boolean
  readonly excludes?: readonly string[]
}

export function freshSeat(lane: string, { id, overflow, givesWay, excludes }: WorkerSpec): Seat {
  return {
    id,
    lane,
    overflow,
    givesWay: givesWay ?? false,
    excludes: excludes ?? [],
    ready: false,
    resumes: undefined,
    proven: false,
    gone: false,
    why: 'starting',
    room: 0,
    climb: freshClimb(0, 0, 0),
    leaving: false,
    resting: false,
    holdsMemory: true,
    yieldsTo: undefined,
    gaveWayTo: undefined,
    loadedAtMs: 0,
    bulkFromMs: 0,
    breaker: CLOSED,
    pace: [],
    freeSinceMs: 0,
  }
}

const NO_TURNS: Turns = { had: new Map(), floor: 0 }

export function freshLane(spec: LaneSpec, limits: Limits): Lane {
  const { id, merges, proves, batchTokens = limits.batchTokens } = spec
  return {
    id,
    merges,
    proves,
    batchTokens,
    workers: spec.workers.map((worker) => worker.id),
    waiting: { interactive: 0, bulk: 0 },
    interactiveRun: 0,
    answerMs: 0,
    answeredAtMs: 0,
    turns: { interactive: NO_TURNS, bulk: NO_TURNS },
  }
}

export function initialState(limits: Limits, lanes: readonly LaneSpec[], nowMs: number, seed = 1): State {
  const seats = lanes.flatMap((lane) => lane.workers.map((worker) => freshSeat(lane.id, worker)))
  return {
    limits,
    nowMs,
    draining: false,
    nextBatch: 1,
    bulkShare: 1,
    seed,
    lanes: new Map(lanes.map((lane) => [lane.id, freshLane(lane, limits)])),
    seats: new Map(seats.map((seat) => [seat.id, seat])),
    requests: Shelf.empty(),
    batches: new Map(),
  }
}
