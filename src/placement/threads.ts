import type { PolicySpec } from '../domain/index.ts'

export interface ThreadBudget {
  /** Logical processors of the machine. */
  readonly cores: number
  /** Left free for the event loop and the user's own programs. */
  readonly reserveCores: number
}

/**
 * Compute threads of each worker on the CPU, by its key. Together they never exceed what is left after the reserve, unless there
 * are more workers than cores: threads that spin leave no core to the event loop (2 threads on 2 cores decoded
 * 10 to 20 times slower than 1).
 */
export function shareThreads<K extends string>(
  workers: readonly K[],
  budget: ThreadBudget,
): Readonly<Partial<Record<K, number>>> {
  const available = Math.max(1, budget.cores - budget.reserveCores)
  const each = Math.max(1, Math.floor(available / Math.max(1, workers.length)))
  const shares: Partial<Record<K, number>> = {}
  for (const worker of workers) shares[worker] = each
  return shares
}

/**
 * Logical processors that model threads leave free: the policy's share of them, `least` at least, one less than all at most.
 * @param least the setting `cpu.reserveCores`
 */
export function reservedCores({ reserveShare }: PolicySpec, cores: number, least: number): number {
  return Math.min(Math.max(least, Math.floor(cores * reserveShare)), Math.max(0, cores - 1))
}
