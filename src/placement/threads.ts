import type { Task } from '../domain/index.ts'

export interface ThreadBudget {
  /** Logical processors of the machine. */
  readonly cores: number
  /** Left free for the event loop and the user's own programs. */
  readonly reserveCores: number
}

/**
 * Compute threads of each CPU worker. Together they never exceed what is left after the reserve, unless there
 * are more workers than cores: threads that spin leave no core to the event loop (2 threads on 2 cores decoded
 * 10 to 20 times slower than 1).
 */
export function shareThreads(
  tasks: readonly Task[],
  budget: ThreadBudget,
): Readonly<Partial<Record<Task, number>>> {
  const available = Math.max(1, budget.cores - budget.reserveCores)
  const each = Math.max(1, Math.floor(available / Math.max(1, tasks.length)))
  const shares: Partial<Record<Task, number>> = {}
  for (const task of tasks) shares[task] = each
  return shares
}
