import { type LayerTime, TandemError } from '../../domain/index.ts'
import type { BatchOutput, EncoderSession, TokenRow } from '../encoder/index.ts'
import { profileLayers } from './profile.ts'
import type { Job, Runner } from './runner.ts'

type Take = (batch: readonly number[], output: BatchOutput) => void

/** Jobs for one runner, which may still be compiling. */
export interface Group {
  readonly runner: Promise<Runner>
  readonly jobs: readonly Job[]
}

export interface SessionParts {
  /** Where all runs share one runner: its requests. */
  readonly inFlight?: number
  /** Groups of a request, in the order in which they run. */
  plan(lengths: readonly number[]): readonly Group[]
  /** The first one is ready. */
  readonly runners: readonly Promise<Runner>[]
  /** Nothing more is to be compiled. */
  stop(): void
  /** Called once, when no runner is left. */
  free(): void
  explain(error: unknown): Error
}

/** An encoder on one device; owns everything native that it was given. */
export class OpenVinoSession implements EncoderSession {
  readonly #parts: SessionParts
  readonly #running = new Set<Promise<void>>()
  #disposed: Promise<void> | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    for (const runner of parts.runners) runner.catch(() => {}) // told to whoever needs its shape
  }

  get inFlight(): number | undefined {
    return this.#parts.inFlight
  }

  async run(rows: readonly TokenRow[], take: Take, signal: AbortSignal): Promise<void> {
    await this.#tracked(() => this.#run(rows, take, signal))
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose()
    return this.#disposed
  }

  /** Times the layers for one row. @throws TandemError INVALID_REQUEST without the property PERF_COUNT */
  profile(row: TokenRow): Promise<LayerTime[]> {
    return this.#tracked(async () => {
      const [group] = this.#parts.plan([row.ids.length])
      return profileLayers(await group!.runner, group!.jobs[0]!, row)
    })
  }

  /** What uses native objects must end before they are freed. */
  async #tracked<T>(work: () => Promise<T>): Promise<T> {
    if (this.#disposed) throw new Error('the model was unloaded')
    const running = work().catch((error: unknown) => {
      throw this.#parts.explain(error)
    })
    const settled = running.then(
      () => {},
      () => {},
    )
    this.#running.add(settled)
    void settled.then(() => this.#running.delete(settled))
    return running
  }

  async #run(rows: readonly TokenRow[], take: Take, signal: AbortSignal): Promise<void> {
    for (const { runner, jobs } of this.#parts.plan(rows.map((row) => row.ids.length)))
      await (await orAborted(runner, signal)).run(jobs, rows, take, signal)
  }

  async #dispose(): Promise<void> {
    this.#parts.stop()
    await Promise.all(this.#running)
    const ends = await Promise.allSettled(this.#parts.runners)
    for (const end of ends) if (end.status === 'fulfilled') end.value.free()
    this.#parts.free()
  }
}

/** A shape may compile for many seconds: who gave up does not wait for it. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new TandemError('CANCELLED'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
