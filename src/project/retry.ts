/** Something that failed is tried again, later each time, until it works. */
export class Retry {
  readonly #run: () => void
  readonly #firstMs: number
  #failures = 0
  #timer: NodeJS.Timeout | undefined

  /** @param firstMs milliseconds before the first try; tests shorten it */
  constructor(run: () => void, firstMs = FIRST_MS) {
    this.#run = run
    this.#firstMs = firstMs
  }

  /** It failed; calls while a try is due change nothing. */
  later(): void {
    if (this.#timer) return
    const waitMs = Math.min(MAX_MS, this.#firstMs * 2 ** Math.min(20, this.#failures))
    this.#failures += 1
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#run()
    }, waitMs)
    this.#timer.unref()
  }

  /** It worked, or is no longer wanted. */
  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#failures = 0
  }
}

const FIRST_MS = 2000
const MAX_MS = 300_000
