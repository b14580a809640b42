/** Between two messages about one load. */
const EVERY_MS = 250

/** Passes on how far a load is: at a bounded rate, and never less than before. */
export class LoadProgress {
  readonly #tell: (progress: number) => void
  readonly #nowMs: () => number
  #told: { readonly progress: number; readonly atMs: number } | undefined

  /** @param tell hears a share, 0..1 */
  constructor(tell: (progress: number) => void, nowMs: () => number = () => performance.now()) {
    this.#tell = tell
    this.#nowMs = nowMs
  }

  /** The end is told at once: nothing comes after it. */
  heard(share: number): void {
    const progress = Math.min(1, share)
    const atMs = this.#nowMs()
    const before = this.#told
    if (!(progress > (before?.progress ?? 0))) return
    if (before && progress < 1 && atMs - before.atMs < EVERY_MS) return
    this.#told = { progress, atMs }
    this.#tell(progress)
  }
}
