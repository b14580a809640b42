import { type BatchOutput, type TokenRow, turn } from '../encoder/index.ts'
import type { CompiledModel } from './native/compiled-model.ts'
import type { Slot } from './slot.ts'

/** A batch to run. */
export interface Job {
  /** Indexes into the request. */
  readonly batch: readonly number[]
  readonly height: number
  readonly width: number
}

/** A compiled model with its requests; owns both. */
export class Runner {
  readonly compiled: CompiledModel
  readonly #slots: readonly Slot[]
  readonly #free: Slot[]
  readonly #waiting: ((slot: Slot) => void)[] = []

  constructor(compiled: CompiledModel, slots: readonly Slot[]) {
    this.compiled = compiled
    this.#slots = slots
    this.#free = [...slots]
  }

  get requests(): number {
    return this.#slots.length
  }

  /** Runs the jobs, as many at once as there are requests; none is in flight when it ends, however it ends. */
  async run(
    jobs: readonly Job[],
    rows: readonly TokenRow[],
    take: (batch: readonly number[], output: BatchOutput) => void,
    signal: AbortSignal,
  ): Promise<void> {
    let next = 0
    const lane = async (): Promise<void> => {
      for (let job = jobs[next++]; job; job = jobs[next++]) {
        await turn(signal)
        await this.use(async (slot) => {
          const { batch, height, width } = job
          const texts = batch.map((index) => rows[index]!)
          take(batch, await slot.run(texts, height, width))
        })
      }
    }
    const stopping = async (): Promise<void> => {
      try {
        await lane()
      } catch (error) {
        next = jobs.length
        throw error
      }
    }
    const ends = await Promise.allSettled(
      Array.from({ length: Math.min(this.requests, jobs.length) }, stopping),
    )
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** Lends a request until `work` ends. */
  async use<T>(work: (slot: Slot) => Promise<T>): Promise<T> {
    const slot = this.#free.pop() ?? (await new Promise<Slot>((resolve) => this.#waiting.push(resolve)))
    try {
      return await work(slot)
    } finally {
      const waiting = this.#waiting.shift()
      if (waiting) waiting(slot)
      else this.#free.push(slot)
    }
  }

  /** No request may be in flight. */
  free(): void {
    for (const slot of this.#slots) slot.free()
    this.compiled.free()
  }
}
