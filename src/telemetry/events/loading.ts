import type { ObservedWorker } from '../observer.ts'

export type LoadingPhase = 'started' | 'loading' | 'loaded' | 'failed'

/** Milliseconds between two words of a load that goes on. */
const PROGRESS_MS = 1_000

type Tell = (worker: ObservedWorker, phase: LoadingPhase, ms: number, progress: number | undefined) => void

interface Load {
  readonly worker: ObservedWorker
  readonly startedMs: number
  /** Tells of it where nothing new is heard. */
  readonly timer: NodeJS.Timeout
  progress: number | undefined
}

/** Follows models from the start of their process until they answer, fail or are given up. */
export class Loadings {
  readonly #tell: Tell
  readonly #running = new Map<string, Load>()

  constructor(tell: Tell) {
    this.#tell = tell
  }

  heard(worker: ObservedWorker): void {
    if (worker.state !== 'starting') this.#end(worker.id, worker.state === 'ready' ? 'loaded' : 'failed')
    // a worker that was lost comes back by itself, and loads on the way
    if (worker.state === 'starting' || worker.state === 'restarting') this.#begin(worker)
  }

  /** Of a load that goes on. */
  progressed(id: string, progress: number): void {
    const load = this.#running.get(id)
    if (!load) return
    load.progress = progress
    load.timer.refresh()
    this.#goesOn(load)
  }

  close(): void {
    for (const { timer } of this.#running.values()) clearInterval(timer)
    this.#running.clear()
  }

  #begin(worker: ObservedWorker): void {
    if (this.#running.has(worker.id)) return
    const timer = setInterval(() => this.#goesOn(load), PROGRESS_MS).unref()
    const load: Load = { worker, startedMs: performance.now(), timer, progress: undefined }
    this.#running.set(worker.id, load)
    this.#tell(worker, 'started', 0, undefined)
  }

  #goesOn({ worker, startedMs, progress }: Load): void {
    this.#tell(worker, 'loading', performance.now() - startedMs, progress)
  }

  #end(id: string, phase: LoadingPhase): void {
    const load = this.#running.get(id)
    if (!load) return
    clearInterval(load.timer)
    this.#running.delete(id)
    this.#tell(load.worker, phase, performance.now() - load.startedMs, undefined)
  }
}
