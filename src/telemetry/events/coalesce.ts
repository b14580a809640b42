/**
 * At most one call for a key in each window: the first goes out at once, those within the window after it are counted and go out
 * as one at its end. Keys are few: they are made of placements.
 */
export class Coalescer<T> {
  readonly #windowMs: number
  readonly #send: (value: T, count: number) => void
  readonly #open = new Map<string, { timer: NodeJS.Timeout; value: T; count: number }>()

  constructor(windowMs: number, send: (value: T, count: number) => void) {
    this.#windowMs = windowMs
    this.#send = send
  }

  /** Of what comes within a window the last value counts. */
  add(key: string, value: T): void {
    const open = this.#open.get(key)
    if (open) {
      open.value = value
      open.count += 1
      return
    }
    this.#begin(key, value)
    this.#send(value, 1)
  }

  close(): void {
    for (const { timer } of this.#open.values()) clearTimeout(timer)
    this.#open.clear()
  }

  #begin(key: string, value: T): void {
    const timer = setTimeout(() => this.#end(key), this.#windowMs).unref()
    this.#open.set(key, { timer, value, count: 0 })
  }

  #end(key: string): void {
    const open = this.#open.get(key)
    this.#open.delete(key)
    if (!open || open.count === 0) return
    this.#begin(key, open.value)
    this.#send(open.value, open.count)
  }
}
