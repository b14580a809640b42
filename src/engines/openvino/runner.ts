import { type BatchOutput, Slots, type TokenRow } from '../encoder/index.ts'
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
  readonly #slots: Slots<Slot>

  constructor(compiled: CompiledModel, slots: readonly Slot[]) {
    this.compiled = compiled
    this.#slots = new Slots(slots)
  }

  get requests(): number {
    return this.#slots.all.length
  }

  /** Runs the jobs, as many at once as there are requests; none is in flight when it ends, however it ends. */
  run(
    jobs: readonly Job[],
    rows: readonly TokenRow[],
    take: (batch: readonly number[], output: BatchOutput) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#slots.run(jobs, signal, async (slot, { batch, height, width }) => {
      const texts = batch.map((index) => rows[index]!)
      take(batch, await slot.run(texts, height, width))
    })
  }

  /** Lends a request until `work` ends. */
  use<T>(work: (slot: Slot) => Promise<T>): Promise<T> {
    return this.#slots.use(work)
  }

  /** No request may be in flight. */
  free(): void {
    for (const slot of this.#slots.all) slot.free()
    this.compiled.free()
  }
}
