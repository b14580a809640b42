import { type PlannedPlacement, placementId } from '../domain/index.ts'
import type { CoreShares } from '../placement/index.ts'
import type { Worker } from '../workers/index.ts'

/** A worker that restarts within this keeps its cores: what others are to gain they get when it stayed away so long. */
const SETTLE_MS = 5_000

/**
 * Compute threads of workers that run at the same time.
 * @param placements of all that run, those of the plan first and in its order
 */
export type ShareCores = (
  placements: readonly PlannedPlacement[],
  isAway: (id: string) => boolean,
) => CoreShares

export interface Sharer {
  readonly worker: Worker
  readonly placement: PlannedPlacement
}

export interface CoreOwnerOptions {
  readonly share: ShareCores
  /** All that run, those of the plan first and in its order. */
  readonly sharers: () => readonly Sharer[]
  /** Hears when another number of threads is over what the machine has. */
  readonly onOver?: ((over: number) => void) | undefined
  /** Milliseconds; default 5 s. */
  readonly settleMs?: number
}

/** Gives out the machine's cores while workers come and go: takes at once what another needs, gives when all stayed calm. */
export class CoreOwner {
  readonly #options: CoreOwnerOptions
  #timer: NodeJS.Timeout | undefined
  #over = 0
  #stopped = false

  constructor(options: CoreOwnerOptions) {
    this.#options = options
  }

  /** A worker came or went, or another plan counts. */
  update(): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return
    if (this.#apply((has, wanted) => wanted < has))
      this.#timer = setTimeout(() => this.#apply(() => true), this.#options.settleMs ?? SETTLE_MS).unref()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  /** @returns whether some worker has other threads than its share */
  #apply(now: (has: number, wanted: number) => boolean): boolean {
    const { share, sharers, onOver } = this.#options
    const running = new Map(sharers().map((each) => [placementId(each.placement), each]))
    const placements = [...running.values()].map(({ placement }) => placement)
    const { threads, over } = share(placements, (id) => isAway(running.get(id)!.worker))
    if (over !== this.#over) onOver?.(over)
    this.#over = over
    let waits = false
    for (const [id, { worker }] of running) {
      const wanted = threads.get(id) ?? worker.threads
      if (wanted === worker.threads) continue
      if (now(worker.threads, wanted)) worker.setThreads(wanted)
      else waits = true
    }
    return waits
  }
}

/** It answers nothing for a while: the next placement of its task stands in. */
export function isAway({ state }: Worker): boolean {
  return state === 'restarting' || state === 'quarantined' || state === 'stopped'
}
