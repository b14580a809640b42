import type { Priority } from '../../domain/index.ts'

/** Interactive turns in a row after which a waiting bulk turn goes first. */
const BULK_AFTER = 4

interface Turn {
  readonly priority: Priority
  readonly work: () => Promise<void>
}

/**
 * As many encoder calls at once as the engine gains by, interactive first, so that a batch sent ahead never delays a person. The event
 * loop runs between turns: what was cancelled or sent meanwhile counts.
 */
export class Turns {
  readonly #atOnce: () => number
  readonly #waiting: Record<Priority, Turn[]> = { interactive: [], bulk: [] }
  readonly #running: Record<Priority, number> = { interactive: 0, bulk: 0 }
  #interactiveRun = 0

  /** @param atOnce calls that the engine works on beside each other, at least 1 */
  constructor(atOnce: () => number) {
    this.#atOnce = atOnce
  }

  /** Runs `work` in its turn. `work` must not throw. */
  add(priority: Priority, work: () => Promise<void>): void {
    this.#waiting[priority].push({ priority, work })
    this.#start()
  }

  #start(): void {
    for (let turn = this.#take(); turn; turn = this.#take()) void this.#run(turn)
  }

  async #run({ priority, work }: Turn): Promise<void> {
    this.#running[priority]++
    await work()
    await new Promise((resolve) => setImmediate(resolve))
    this.#running[priority]--
    this.#start()
  }

  #take(): Turn | undefined {
    const { interactive, bulk } = this.#waiting
    const { bulkHasRoom, personHasRoom } = this.#room()
    const bulkFirst =
      bulkHasRoom && bulk.length > 0 && (interactive.length === 0 || this.#interactiveRun >= BULK_AFTER)
    if (!bulkFirst && !(personHasRoom && interactive.length > 0)) return undefined
    this.#interactiveRun = bulkFirst || bulk.length === 0 ? 0 : this.#interactiveRun + 1
    return bulkFirst ? bulk.shift() : interactive.shift()
  }

  /** Where calls run beside each other, those of bulk take no room from a person. */
  #room(): { readonly bulkHasRoom: boolean; readonly personHasRoom: boolean } {
    const { interactive, bulk } = this.#running
    const atOnce = this.#atOnce()
    const bulkHasRoom = interactive + bulk < atOnce
    return { bulkHasRoom, personHasRoom: bulkHasRoom || (atOnce > 1 && interactive < atOnce) }
  }
}
