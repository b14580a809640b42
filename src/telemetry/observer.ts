/** What the scheduler and the workers tell of what they do: plain data, no text of a user, no path. */
import type { Placement, Priority, ServedBy, TandemError, Task, WorkerState } from '../domain/index.ts'

export interface ObservedRequest {
  /** Unique in the life of the server. */
  readonly id: number
  readonly task: Task
  readonly model: string
  readonly priority: Priority
  /** Texts or pairs; 1 for a chat. */
  readonly inputs: number
}

/** Work that was sent to a worker: inputs of one or several requests, or one chat. */
export interface ObservedBatch {
  readonly placement: Placement
  readonly priority: Priority
  readonly inputs: number
  /**
   * Milliseconds that each request in it waited for its first input to be sent; requests that were sent in part before, or that
   * are tried again, are left out.
   */
  readonly waitedMs: readonly number[]
}

export interface ObservedEnd {
  /** Milliseconds from the submission to the end. */
  readonly ms: number
  /** Why it was not answered; absent: it was. */
  readonly error?: TandemError
  /** Who gave the answer, or the last part of it. */
  readonly by?: ServedBy
  readonly promptTokens?: number
  readonly completionTokens?: number
  /** Chats: milliseconds from the submission to the first text. */
  readonly firstTokenMs?: number
}

/** Work that one placement should have done and another did, or is to do. */
export interface ObservedMove {
  readonly from: Placement
  readonly to: Placement
  /** For a person, one line: `restarting`, `quarantined`, `full`. */
  readonly why: string
}

export interface ObservedWorker {
  /** Its placement's id. */
  readonly id: string
  readonly placement: Placement
  /** `busy` is not told. */
  readonly state: WorkerState
  /** Why it is not ready. */
  readonly error?: TandemError
  /** Milliseconds until it starts again by itself. */
  readonly retryInMs?: number
  /** With `stopped`: it was unloaded, and the request that needs it loads it again. */
  readonly resting?: boolean
  /** With `starting`: milliseconds that loading took when it was measured. */
  readonly expectedMs?: number
  /** With `ready`: milliseconds that the engine took to load the model. */
  readonly loadMs?: number
}

/**
 * Hears what happens while it happens; every method returns at once and never throws.
 * `admitted` is followed by one `ended` of the same request; a `refused` one was never admitted.
 */
export interface Observer {
  admitted(request: ObservedRequest): void
  refused(request: ObservedRequest, error: TandemError): void
  dispatched(batch: ObservedBatch): void
  /** `ms`: from the dispatch until the worker answered or was given up. */
  settled(batch: ObservedBatch, ms: number, error?: TandemError): void
  ended(request: ObservedRequest, end: ObservedEnd): void
  /** Another placement than the first serves; once for each batch or chat. */
  fellBack(move: ObservedMove): void
  /** A request goes to the queue again after `at` failed it. */
  retried(at: Placement, why: string): void
  /** A chat goes on elsewhere in mid-answer, or on the same placement once it is back. */
  continued(move: ObservedMove, atToken: number): void
  /** Nothing is sent to a placement whose engine failed too often, for so many milliseconds; undefined: it answers again. */
  breaker(at: Placement, openForMs: number | undefined): void
  workerChanged(worker: ObservedWorker): void
  /** More of a worker's model is in memory: the share, 0..1, by the worker's id. */
  workerLoading(id: string, progress: number): void
}

const METHODS = [
  'admitted',
  'refused',
  'dispatched',
  'settled',
  'ended',
  'fellBack',
  'retried',
  'continued',
  'breaker',
  'workerChanged',
  'workerLoading',
] as const satisfies readonly (keyof Observer)[]

/** One observer that passes all on to several, which may each leave out what they do not need. */
export function observeWith(observers: readonly Partial<Observer>[]): Observer {
  const passOn = (method: keyof Observer) => {
    const listening = observers.filter((observer) => observer[method])
    return (...args: unknown[]) => {
      for (const observer of listening) (observer[method] as (...all: unknown[]) => void)(...args)
    }
  }
  return Object.fromEntries(METHODS.map((method) => [method, passOn(method)])) as unknown as Observer
}
