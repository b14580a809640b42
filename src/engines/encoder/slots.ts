import { TandemError } from '../../domain/index.ts'
import { turn } from './turn.ts'

/** What inferences run on, each lent to one at a time. */
export class Slots<S> {
  readonly all: readonly S[]
  readonly #free: S[]
  readonly #waiting: ((slot: S) => void)[] = []

  constructor(all: readonly S[]) {
    this.all = all
    this.#free = [...all]
  }

  /**
   * Does all jobs, as many at once as there are slots; none is in flight when it ends, however it ends. It waits for one slot at a
   * time, so that a run of few jobs gets its turn among those of many.
   * @throws TandemError CANCELLED, or what `work` throws first
   */
  async run<J>(
    jobs: readonly J[],
    signal: AbortSignal,
    work: (slot: S, job: J) => Promise<void>,
  ): Promise<void> {
    const started: Promise<void>[] = []
    let failure: { readonly error: unknown } | undefined
    const noted = (doing: Promise<void>): Promise<void> =>
      doing.catch((error: unknown) => {
        failure ??= { error }
      })
    for (const job of jobs) {
      await noted(turn(signal))
      if (failure) break
      const slot = await this.#take()
      if (signal.aborted) failure ??= { error: new TandemError('CANCELLED') }
      if (failure) {
        this.#give(slot)
        break
      }
      started.push(noted(work(slot, job)).then(() => this.#give(slot)))
    }
    await Promise.all(started)
    if (failure) throw failure.error
  }

  /** Lends a slot until `work` ends. */
  async use<T>(work: (slot: S) => Promise<T>): Promise<T> {
    const slot = await this.#take()
    try {
      return await work(slot)
    } finally {
      this.#give(slot)
    }
  }

  async #take(): Promise<S> {
    return this.#free.pop() ?? new Promise((resolve) => this.#waiting.push(resolve))
  }

  #give(slot: S): void {
    const waiting = this.#waiting.shift()
    if (waiting) waiting(slot)
    else this.#free.push(slot)
  }
}
