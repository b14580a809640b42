import type { Priority } from '../../domain/index.ts'

/** Interactive turns in a row after which a waiting bulk turn goes first. */
const BULK_AFTER = 4

/**
 * One encoder call at a time, interactive first, so that a batch sent ahead never delays a person. The event loop
 * runs between turns: what was cancelled or sent meanwhile counts.
 */
export class Turns {
  readonly #waiting: Record<Priority, (() => Promise<void>)[]> = { interactive: [], bulk: [] }
  #running = false
  #interactiveRun = 0

  /** Runs `work` in its turn. `work` must not throw. */
  add(priority: Priority, work: () => Promise<void>): void {
    this.#waiting[priority].push(work)
    if (!this.#running) void this.#run()
  }

  async #run(): Promise<void> {
    this.#running = true
    for (let work = this.#take(); work; work = this.#take()) {
      await work()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#running = false
  }

  #take(): (() => Promise<void>) | undefined {
    const { interactive, bulk } = this.#waiting
    const bulkFirst = bulk.length > 0 && (interactive.length === 0 || this.#interactiveRun >= BULK_AFTER)
    this.#interactiveRun = bulkFirst || bulk.length === 0 ? 0 : this.#interactiveRun + 1
    return bulkFirst ? bulk.shift() : interactive.shift()
  }
}
