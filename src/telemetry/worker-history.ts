import type { ObservedWorker, Observer } from './observer.ts'

/** What a worker's state alone does not tell. */
export interface WorkerHistory {
  /** Times that its process was lost and is or was started again. */
  readonly restarts: number
  /** Why it was last lost, also when it is back; when, as ISO 8601. */
  readonly lastError?: { readonly message: string; readonly at: string }
  /** Milliseconds until it starts again by itself; 0: it does so now. */
  readonly retryInMs?: number
}

interface Kept {
  restarts: number
  lastError: WorkerHistory['lastError']
  retryAtMs: number | undefined
}

/** Remembers what happened to each worker. */
export class WorkerHistories {
  readonly #byId = new Map<string, Kept>()
  readonly observer: Partial<Observer> = { workerChanged: (worker) => this.#heard(worker) }

  of(id: string): WorkerHistory {
    const { restarts = 0, lastError, retryAtMs } = this.#byId.get(id) ?? {}
    return {
      restarts,
      ...(lastError ? { lastError } : {}),
      ...(retryAtMs === undefined
        ? {}
        : { retryInMs: Math.max(0, Math.round(retryAtMs - performance.now())) }),
    }
  }

  #heard({ id, state, error, retryInMs }: ObservedWorker): void {
    const kept = this.#byId.get(id) ?? { restarts: 0, lastError: undefined, retryAtMs: undefined }
    this.#byId.set(id, kept)
    if (state === 'restarting' || state === 'quarantined') kept.restarts += 1
    if (error) kept.lastError = { message: error.message, at: new Date().toISOString() }
    kept.retryAtMs = retryInMs === undefined ? undefined : performance.now() + retryInMs
  }
}
