/** Brings pending chunks to their vectors: batches of like lengths, two requests in flight, retries with backoff. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { asTandemError, type ErrorCode, TandemError } from '../domain/index.ts'
import type { Serving } from '../scheduling/contract.ts'
import type { IndexStore, PendingText } from './store/contract.ts'

export interface EmbedderOptions {
  readonly store: IndexStore
  readonly serving: Pick<Serving, 'embed'>
  readonly model: string
  /** After each stored batch. */
  readonly onEmbedded: (chunks: number) => void
  /** Nothing is left to do, or it failed for good; see `failure`. */
  readonly onIdle: () => void
  /** Milliseconds; tests shorten it. */
  readonly backoffMs?: number
}

const BATCH = 64
const IN_FLIGHT = 2
/** Texts sorted by length at a time, so that a batch pads little. */
const WINDOW = 512
const DEADLINE_MS = 600_000
const MAX_RETRIES = 30
const MAX_BACKOFF_MS = 5000
const TRANSIENT: readonly ErrorCode[] = ['QUEUE_FULL', 'STARTING', 'WORKER_LOST', 'DEADLINE']

export class Embedder {
  readonly #options: EmbedderOptions
  readonly #abort = new AbortController()
  /** Of its own: several projects share the model evenly. */
  readonly #client = `index ${randomUUID()}`
  #queue: PendingText[] = []
  /** Hashes that are in the queue or in flight: `pending` names them still. */
  readonly #taken = new Set<string>()
  #lanes = 0
  #exhausted = true
  #refilling: Promise<void> | undefined
  #failures = 0
  #failure: TandemError | undefined

  constructor(options: EmbedderOptions) {
    this.#options = options
  }

  get idle(): boolean {
    return this.#lanes === 0
  }

  /** Why it stopped; a `kick` tries again. */
  get failure(): TandemError | undefined {
    return this.#failure
  }

  /** There may be new pending chunks. */
  kick(): void {
    if (this.#abort.signal.aborted) return
    this.#exhausted = false
    this.#failure = undefined
    while (this.#lanes < IN_FLIGHT) {
      this.#lanes += 1
      void this.#lane()
    }
  }

  /** Ends what is in flight; what is not stored is found again as pending. */
  close(): void {
    this.#abort.abort()
  }

  async #lane(): Promise<void> {
    try {
      for (let batch = await this.#take(); batch.length > 0; batch = await this.#take())
        await this.#embed(batch)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#lanes -= 1
      if (this.#lanes === 0) this.#options.onIdle()
    }
  }

  async #take(): Promise<PendingText[]> {
    while (this.#queue.length < BATCH && !this.#exhausted && !this.#stopped) {
      this.#refilling ??= this.#refill().finally(() => {
        this.#refilling = undefined
      })
      await this.#refilling
    }
    return this.#stopped ? [] : this.#queue.splice(0, BATCH)
  }

  get #stopped(): boolean {
    return this.#abort.signal.aborted || this.#failure !== undefined
  }

  async #refill(): Promise<void> {
    this.#exhausted = true // a kick meanwhile takes it back
    const rows = await this.#options.store.pending(this.#taken.size + WINDOW)
    const fresh = rows.filter((row) => !this.#taken.has(row.hash))
    for (const row of fresh) this.#taken.add(row.hash)
    this.#queue = [...this.#queue, ...fresh].sort((a, b) => b.embedText.length - a.embedText.length)
    if (fresh.length > 0) this.#exhausted = false
  }

  async #embed(batch: readonly PendingText[]): Promise<void> {
    const { serving, store, model, onEmbedded } = this.#options
    const hashes = batch.map((text) => text.hash)
    try {
      const { result } = await serving.embed(
        { model, inputs: batch.map((text) => text.embedText), purpose: 'passage' },
        { priority: 'bulk', client: this.#client, signal: this.#abort.signal, deadlineMs: DEADLINE_MS },
      )
      if (result.vectors.length !== hashes.length * result.dimensions)
        throw new TandemError('ENGINE_FAILED', {
          engine: model,
          why: `${result.vectors.length} numbers for ${hashes.length} texts of ${result.dimensions} dimensions`,
        })
      await store.putVectors(hashes, result.vectors)
      this.#failures = 0
      onEmbedded(hashes.length)
    } catch (error) {
      await this.#backOff(error)
      this.#exhausted = false
    } finally {
      for (const hash of hashes) this.#taken.delete(hash)
    }
  }

  /** Waits when a retry makes sense; throws when it does not. */
  async #backOff(error: unknown): Promise<void> {
    const { signal } = this.#abort
    const known = asTandemError(error)
    if (signal.aborted || !TRANSIENT.includes(known.code) || ++this.#failures > MAX_RETRIES) throw known
    const waitMs = Math.min(
      MAX_BACKOFF_MS,
      (this.#options.backoffMs ?? 100) * 2 ** Math.min(10, this.#failures - 1),
    )
    await sleep(Math.max(waitMs, (known.retryAfterS ?? 0) * 1000), undefined, { signal })
  }

  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return
    this.#failure ??= asTandemError(error)
    this.#failures = 0
    for (const text of this.#queue) this.#taken.delete(text.hash)
    this.#queue = []
  }
}
