import { Worker } from 'node:worker_threads'
import { builtEntry } from '../../config/index.ts'
import { asTandemError, TandemError } from '../../domain/index.ts'
import type { PathVerdict } from './explain.ts'
import type { ExplainRequest, FromThread, ToThread } from './parse-protocol.ts'
import type { PathsRequest, ScanBatch, ScanRequest } from './scan.ts'

/** Memory of the thread; parse trees are outside of it. */
const MAX_HEAP_MB = 512

interface Job {
  readonly batches: ScanBatch[]
  verdict?: PathVerdict
  ended: boolean
  error?: TandemError
  wake: () => void
}

/** The parse thread as the main process sees it; started on first use and again after a crash. */
export class ParseThread {
  #worker: Worker | undefined
  #nextId = 1
  readonly #jobs = new Map<number, Job>()
  #closed = false
  readonly #entry: string | URL

  /** @param entry of the thread; tests put a broken one here */
  constructor(entry: string | URL = builtEntry('project/indexing/parse-thread')) {
    this.#entry = entry
  }

  /**
   * Streams what changed below a root; at most a few batches are in memory at once. Stopping early cancels the scan.
   * @throws TandemError PATH_NOT_FOUND, INVALID_REQUEST (too many files), INTERNAL (the thread ended)
   */
  scan(request: ScanRequest): AsyncGenerator<ScanBatch> {
    return this.#stream((id) => ({ type: 'scan', id, request }))
  }

  /** The same for some paths. */
  paths(request: PathsRequest): AsyncGenerator<ScanBatch> {
    return this.#stream((id) => ({ type: 'paths', id, request }))
  }

  /** Why a path is or is not indexed; see `explainPath`. */
  async explain(request: ExplainRequest): Promise<PathVerdict> {
    const { id, job } = this.#begin((jobId) => ({ type: 'explain', id: jobId, request }))
    try {
      while (!job.ended) await this.#woken(job)
      if (job.error) throw job.error
      return job.verdict!
    } finally {
      this.#end(id)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }

  async *#stream(message: (id: number) => ToThread): AsyncGenerator<ScanBatch> {
    const { id, job } = this.#begin(message)
    try {
      for (;;) {
        const batch = job.batches.shift()
        if (batch) {
          yield batch
          this.#worker?.postMessage({ type: 'taken', id } satisfies ToThread)
        } else if (job.error) throw job.error
        else if (job.ended) return
        else await this.#woken(job)
      }
    } finally {
      if (!job.ended) this.#worker?.postMessage({ type: 'cancel', id } satisfies ToThread)
      this.#end(id)
    }
  }

  #begin(message: (id: number) => ToThread): { id: number; job: Job } {
    if (this.#closed) throw new TandemError('SHUTTING_DOWN')
    const id = this.#nextId++
    const job: Job = { batches: [], ended: false, wake: () => {} }
    this.#jobs.set(id, job)
    this.#worker ??= this.#start()
    this.#worker.ref()
    this.#worker.postMessage(message(id))
    return { id, job }
  }

  /** An idle thread does not keep the process alive. */
  #end(id: number): void {
    this.#jobs.delete(id)
    if (this.#jobs.size === 0) this.#worker?.unref()
  }

  #woken(job: Job): Promise<void> {
    return new Promise((resolve) => {
      job.wake = resolve
    })
  }

  #start(): Worker {
    const worker = new Worker(this.#entry, {
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    })
    let why = 'it ended'
    worker.on('message', (message: FromThread) => this.#receive(message))
    worker.on('error', (error) => {
      why = error.message
    })
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
      const error = this.#closed
        ? new TandemError('SHUTTING_DOWN')
        : asTandemError(new Error(`the parse thread stopped: ${why}`))
      for (const job of this.#jobs.values()) {
        job.ended = true
        job.error ??= error
        job.wake()
      }
    })
    return worker
  }

  #receive(message: FromThread): void {
    const job = this.#jobs.get(message.id)
    if (!job) return
    if (message.type === 'batch') job.batches.push(message.batch)
    else {
      job.ended = true
      if (message.type === 'failed') job.error = TandemError.fromWire(message.error)
      else if (message.verdict) job.verdict = message.verdict
    }
    job.wake()
  }
}
