import { TandemError } from '../../domain/index.ts'

const MAX_ROUNDS = 200

/** The first run may take so many budgets: a GPU compiles its shaders for it. */
const WARM_UP_BUDGETS = 10

/** Options of the first run, before the budget begins. */
export function warmUpOptions(budgetMs: number, signal: AbortSignal | undefined): BoundedOptions {
  return { deadlineMs: budgetMs * WARM_UP_BUDGETS, ...(signal ? { signal } : {}) }
}

export interface BoundedOptions {
  readonly deadlineMs: number
  readonly signal?: AbortSignal
}

/** The time that a benchmark has: it plans for `budgetMs`, and what runs still at twice that is ended. */
export class Budget {
  readonly #startMs = performance.now()

  constructor(
    readonly budgetMs: number,
    readonly signal: AbortSignal | undefined,
  ) {}

  /** Milliseconds of the budget that are left, at least 0. */
  get leftMs(): number {
    return Math.max(0, this.#startMs + this.budgetMs - performance.now())
  }

  /** Options of a call that must end before twice the budget has passed. */
  callOptions(): BoundedOptions {
    const lastMs = this.#startMs + 2 * this.budgetMs
    const deadlineMs = Math.max(1, Math.ceil(lastMs - performance.now()))
    return { deadlineMs, ...(this.signal ? { signal: this.signal } : {}) }
  }
}

/**
 * Repeats a run while another one fits into the time.
 * @param run gives its figure
 * @returns the figures, at least one; the first one, a warm-up, is left out where others followed
 */
export async function rounds<T>(shareMs: number, run: (round: number) => Promise<T>): Promise<T[]> {
  const endMs = performance.now() + shareMs
  const figures: T[] = []
  for (;;) {
    const startedMs = performance.now()
    figures.push(await run(figures.length))
    const nowMs = performance.now()
    if (nowMs + (nowMs - startedMs) > endMs || figures.length >= MAX_ROUNDS) break
  }
  return figures.length > 1 ? figures.slice(1) : figures
}

/** @param values at least one */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2
}

/** The call took longer than it was given. */
export function isLate(thrown: unknown): boolean {
  return thrown instanceof TandemError && thrown.code === 'DEADLINE'
}
