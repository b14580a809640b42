import { type ProcessOptions, WorkerProcess } from './process.ts'
import { type LoadOrder, STANDBY_NAME } from './wire.ts'

/**
 * Processes held ready for workers that nothing else stands in for: started, the engine imported, no model loaded. One
 * for all workers that start alike, so that memory is spent once.
 */
export class StandbyPool {
  readonly #spares = new Map<string, WorkerProcess>()
  /** Who may need a spare, by its key. */
  readonly #holders = new Map<string, Set<string>>()

  /** Holds a process ready for a worker from now on. */
  keep(worker: string, options: ProcessOptions, order: LoadOrder): void {
    const key = keyOf(options, order)
    const holders = this.#holders.get(key) ?? new Set()
    this.#holders.set(key, holders.add(worker))
    if (this.#spares.has(key)) return
    const forget = () => {
      if (this.#spares.get(key) === spare) this.#spares.delete(key)
    }
    const spare: WorkerProcess = new WorkerProcess(
      options,
      {
        onMessage: () => {},
        onOutput: () => {},
        onGarbage: () => spare.kill(),
        onExit: forget,
      },
      STANDBY_NAME,
    )
    this.#spares.set(key, spare)
    spare.send({ type: 'prepare', ...order })
  }

  /** The process that is ready for such a start; it is the caller's from now on, who hands it over to itself. */
  take(options: ProcessOptions, order: LoadOrder): WorkerProcess | undefined {
    const key = keyOf(options, order)
    const spare = this.#spares.get(key)
    this.#spares.delete(key)
    return spare
  }

  /** A worker needs none any more. */
  leave(worker: string): void {
    for (const [key, holders] of this.#holders) {
      if (!holders.delete(worker) || holders.size > 0) continue
      this.#holders.delete(key)
      this.#spares.get(key)?.kill()
      this.#spares.delete(key)
    }
  }
}

/** What a process cannot change once it runs, and what it prepares. */
function keyOf(options: ProcessOptions, { engine, modulePath, spec }: LoadOrder): string {
  const decoder = spec.task === 'chat' ? [spec.model.fingerprint, spec.device, spec.threads] : []
  return JSON.stringify([engine, modulePath, options, ...decoder])
}
