import type { ObservedWorker } from '../observer.ts'

export type LoadingPhase = 'started' | 'loading' | 'loaded' | 'failed'

/** Milliseconds between two words of a load that goes on. */
const PROGRESS_MS = 1_000

type Tell = (worker: ObservedWorker, phase: LoadingPhase, ms: number) => void

/** Follows models from the start of their process until they answer, fail or are given up. */
export class Loadings {
  readonly #tell: Tell
  readonly #running = new Map<string, { worker: ObservedWorker; startedMs: number; timer: NodeJS.Timeout }>()

  constructor(tell: Tell) {
    this.#tell = tell
  }

  heard(worker: ObservedWorker): void {
    if (worker.state !== 'starting') this.#end(worker.id, worker.state === 'ready' ? 'loaded' : 'failed')
    // a worker that was lost comes back by itself, and loads on the way
    if (worker.state === 'starting' || worker.state === 'restarting') this.#begin(worker)
  }

  close(): void {
    for (const { timer } of this.#running.values()) clearInterval(timer)
    this.#running.clear()
  }

  #begin(worker: ObservedWorker): void {
    if (this.#running.has(worker.id)) return
    const startedMs = performance.now()
    const again = () => this.#tell(worker, 'loading', performance.now() - startedMs)
    const timer = setInterval(again, PROGRESS_MS).unref()
    this.#running.set(worker.id, { worker, startedMs, timer })
    this.#tell(worker, 'started', 0)
  }

  #end(id: string, phase: LoadingPhase): void {
    const load = this.#running.get(id)
    if (!load) return
    clearInterval(load.timer)
    this.#running.delete(id)
    this.#tell(load.worker, phase, performance.now() - load.startedMs)
  }
}
