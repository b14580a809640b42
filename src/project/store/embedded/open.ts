import { Worker } from 'node:worker_threads'
import { builtEntry } from '../../../config/index.ts'
import { TandemError } from '../../../domain/index.ts'
import type { FileRecord } from '../../records.ts'
import type { IndexStore, OpenStore, VectorSpace } from '../contract.ts'
import type { Method, Reply, Request, ThreadData } from './rpc.ts'

/** Calls that may wait for the thread; past it a call is refused. */
const MAX_WAITING = 512
/** One message, and one transaction, hold at most this much; a larger file goes alone. */
const BATCH_FILES = 64
const BATCH_CHARS = 2_000_000
/** MiB of JavaScript objects; past it the thread ends with an error and the process goes on. */
const THREAD_HEAP_MB = 256
/** Milliseconds between two threads of one index: a fault that stays does not start them in a loop. */
const REOPEN_MS = 1000

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

export interface OpenOptions {
  /** Told in one sentence when a broken index was set aside; default: a process warning. */
  readonly onWarning?: (text: string) => void
  /** MiB of the thread's JavaScript objects; tests lower it. */
  readonly heapMb?: number
}

/** Opens the SQLite index of a folder in a worker thread. See `OpenStore`. */
export async function openEmbeddedStore(
  folder: string,
  space: VectorSpace,
  options: OpenOptions = {},
): Promise<IndexStore> {
  const warn = options.onWarning ?? ((text: string) => process.emitWarning(text))
  const start = () => new StoreThread({ folder, space }, options.heapMb ?? THREAD_HEAP_MB, warn)
  const first = start()
  await first.opened
  return storeOver(new StoreThreads(first, start))
}
openEmbeddedStore satisfies OpenStore

function storeOver(thread: StoreThreads): IndexStore {
  return {
    files: () => thread.call('files', []),
    async putFiles(files) {
      for (const batch of batches(files)) await thread.call('putFiles', [batch])
    },
    touchFiles: (files) => thread.call('touchFiles', [files]),
    removeFiles: (paths) => thread.call('removeFiles', [paths]),
    pending: (limit) => thread.call('pending', [limit]),
    putVectors(hashes, vectors) {
      const copy = vectors.slice() // the caller keeps its own; the copy moves without another
      return thread.call('putVectors', [hashes, copy], [copy.buffer])
    },
    counts: () => thread.call('counts', []),
    chunksOf: (path) => thread.call('chunksOf', [path]),
    prepare: (text) => thread.call('prepare', [text]),
    search: (query) => thread.call('search', [query]),
    close: () => thread.close(),
  }
}

function* batches(files: readonly FileRecord[]): Generator<FileRecord[]> {
  let batch: FileRecord[] = []
  let chars = 0
  for (const file of files) {
    const size = file.chunks.reduce((sum, chunk) => sum + chunk.embedText.length + chunk.text.length, 0)
    if (batch.length > 0 && (batch.length === BATCH_FILES || chars + size > BATCH_CHARS)) {
      yield batch
      batch = []
      chars = 0
    }
    batch.push(file)
    chars += size
  }
  if (batch.length > 0) yield batch
}

/** An index outlives its thread: what the thread had fails, the next call finds another. */
class StoreThreads {
  readonly #start: () => StoreThread
  #thread: StoreThread
  #startedMs = performance.now()
  #closing = false

  constructor(first: StoreThread, start: () => StoreThread) {
    this.#thread = first
    this.#start = start
  }

  call<M extends Method>(
    method: M,
    args: Readonly<Parameters<IndexStore[M]>>,
    transfer: readonly ArrayBuffer[] = [],
  ): ReturnType<IndexStore[M]> {
    const due = performance.now() - this.#startedMs >= REOPEN_MS
    if (this.#thread.ended && !this.#closing && due) {
      this.#thread = this.#start()
      this.#thread.opened.catch(() => {}) // its calls fail with the reason
      this.#startedMs = performance.now()
    }
    return this.#thread.call(method, args, transfer)
  }

  close(): Promise<void> {
    this.#closing = true
    return this.#thread.close()
  }
}

/** One thread and the calls that wait for it. */
class StoreThread {
  readonly opened: Promise<void>
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<void>
  #nextId = 0
  #gone: TandemError | undefined
  #closing: Promise<void> | undefined

  constructor(data: ThreadData, heapMb: number, warn: (text: string) => void) {
    this.#worker = new Worker(builtEntry('project/store/embedded/thread'), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    })
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail(storeFailed('its thread ended'))
        resolve()
      })
    })
    this.#worker.on('error', (error) => this.#fail(storeFailed(error.message)))
    this.opened = new Promise((resolve, reject) => {
      this.#waiting.set(-1, { resolve: () => resolve(), reject })
    })
    this.#worker.on('message', (reply: Reply) => {
      if (reply.type === 'warning') warn(reply.text)
      else if (reply.type === 'opened') this.#take(-1)?.resolve(undefined)
      else if (reply.type === 'failed') this.#take(-1)?.reject(TandemError.fromWire(reply.error))
      else if (reply.type === 'result') this.#take(reply.id)?.resolve(reply.value)
      else this.#take(reply.id)?.reject(TandemError.fromWire(reply.error))
    })
  }

  /** Whether every call fails from now on. */
  get ended(): boolean {
    return this.#gone !== undefined
  }

  call<M extends Method>(
    method: M,
    args: Readonly<Parameters<IndexStore[M]>>,
    transfer: readonly ArrayBuffer[],
  ): ReturnType<IndexStore[M]> {
    const answer = new Promise((resolve, reject) => {
      if (this.#gone) return reject(this.#gone)
      if (this.#closing && method !== 'close') return reject(storeFailed('it is closed'))
      if (this.#waiting.size >= MAX_WAITING && method !== 'close')
        return reject(
          new TandemError('QUEUE_FULL', { device: 'the index store', waiting: this.#waiting.size }),
        )
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, method, args } satisfies Request, transfer)
    })
    return answer as ReturnType<IndexStore[M]> // the thread answers what the method promises
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      if (!this.#gone) await this.call('close', [], [])
      await this.#exited
    })()
    return this.#closing
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #fail(error: TandemError): void {
    this.#gone ??= error
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone)
    this.#waiting.clear()
  }
}

function storeFailed(why: string): TandemError {
  return new TandemError('ENGINE_FAILED', { engine: 'the index store', why })
}
