import type { IndexProgress } from '../domain/index.ts'

/** Speed is taken over this many seconds. */
const WINDOW_MS = 10_000

/** How far a project's index is; plain counting, fed by the indexer. */
export class Progress {
  #scan = { filesTotal: 0, filesDone: 0, filesSkipped: 0 }
  #embedded = 0
  /** Times and counts of the last batches. */
  #recent: { atMs: number; chunks: number }[] = []
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  scanned(scan: {
    readonly filesTotal: number
    readonly filesDone: number
    readonly filesSkipped: number
  }): void {
    const { filesTotal, filesDone, filesSkipped } = scan
    this.#scan = { filesTotal, filesDone, filesSkipped }
  }

  embedded(chunks: number): void {
    this.#embedded += chunks
    this.#recent.push({ atMs: this.#now(), chunks })
    this.#forget()
  }

  read(working: boolean, scanning: boolean, pending: number): IndexProgress {
    this.#forget()
    const perSecond = this.#chunksPerSecond()
    return {
      phase: !working ? 'done' : scanning ? 'scanning' : 'embedding',
      ...this.#scan,
      chunksPending: pending,
      chunksEmbedded: this.#embedded,
      chunksPerSecond: perSecond,
      ...(working && !scanning && perSecond > 0 && { remainingS: Math.ceil(pending / perSecond) }),
    }
  }

  /** The first batch of the window starts the clock, so its chunks do not count. */
  #chunksPerSecond(): number {
    const [first] = this.#recent
    if (!first || this.#recent.length < 2) return 0
    const chunks = this.#recent.slice(1).reduce((sum, batch) => sum + batch.chunks, 0)
    const seconds = (this.#now() - first.atMs) / 1000
    return seconds > 0 ? Math.round((chunks / seconds) * 10) / 10 : 0
  }

  #forget(): void {
    const since = this.#now() - WINDOW_MS
    while (this.#recent.length > 0 && this.#recent[0]!.atMs < since) this.#recent.shift()
  }
}
