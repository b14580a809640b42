import type { PlannedPlacement, PolicySpec, Task } from '../domain/index.ts'

export interface CoreBudget {
  /** Logical processors of the machine. */
  readonly cores: number
  /** Left free for the event loop and the user's own programs. */
  readonly reserveCores: number
  /** Of `cores` the fast ones, where the system tells. */
  readonly performanceCores?: number | undefined
}

/** A worker that wants cores. */
export interface CoreUser {
  readonly id: string
  /** Task and model: of those that serve the same, the first that answers computes, and those there for overflow. */
  readonly lane: string
  readonly task: Task
  readonly role: PlannedPlacement['role']
  /** `computes` on the CPU, or `feeds` another device with work, which keeps one thread busy at most. */
  readonly does: 'computes' | 'feeds'
  /** It rests, restarts or is quarantined: the next of its lane stands in. */
  readonly away: boolean
  /** Users whose models do not fit beside its own: one of them is loaded at a time. */
  readonly swapsWith?: readonly string[]
}

export interface CoreShares {
  /** Compute threads by worker, at least 1 each. Those of a standby are what it has once it serves. */
  readonly threads: ReadonlyMap<string, number>
  /** Threads beyond the budget: more workers compute at once than there are cores for, and each needs one. */
  readonly over: number
}

/** A person waits for each token of a chat and an index for each batch; scores are a moment's work. */
const WEIGHTS: Readonly<Record<Task, number>> = { chat: 2, embed: 2, rerank: 1, classify: 1 }

/**
 * Gives out the cores: together the workers that compute have as many threads as the budget has cores, never more, unless there
 * are more workers than cores (threads that spin leave no core to the event loop: 2 threads on 2 cores decoded
 * 10 to 20 times slower than 1). A core goes to the worker with the most weight for each thread that it would then have
 * (D'Hondt), so that another core takes none from anybody and another worker gives none to anybody.
 */
export function shareCores(users: readonly CoreUser[], budget: CoreBudget): CoreShares {
  const lanes = [...new Set(users.map(({ lane }) => lane))].map((lane) => laneOf(users, lane))
  const leaders = lanes.map(({ leader }) => leader)
  const active = lanes.flatMap(({ leader, overflow }) =>
    loadedInsteadOf(leader, leaders) ? overflow : [leader, ...overflow],
  )
  const threads = new Map(divide(active, budget))
  for (const { leader, standby } of lanes) {
    const loaded = loadedInsteadOf(leader, leaders)
    for (const user of loaded ? [leader, ...standby] : standby) {
      const instead = active.map((each) => (each === (loaded ?? leader) ? user : each))
      threads.set(user.id, divide(instead, budget).get(user.id)!)
    }
  }
  return { threads, over: Math.max(0, active.length - availableCores(budget)) }
}

function laneOf(users: readonly CoreUser[], lane: string) {
  const own = users.filter((user) => user.lane === lane)
  const present = own.filter(({ away }) => !away)
  const leader = (present[0] ?? own[0])!
  const overflow = present.filter((user) => user !== leader && user.role === 'overflow')
  const standby = own.filter((user) => user !== leader && !overflow.includes(user))
  return { leader, overflow, standby }
}

/** Who has the memory, and the cores, of one that is unloaded: of several that all are the first. */
function loadedInsteadOf(user: CoreUser, leaders: readonly CoreUser[]): CoreUser | undefined {
  if (!user.away) return undefined
  const others = leaders.filter(({ id }) => user.swapsWith?.includes(id))
  const at = leaders.indexOf(user)
  return others.find(({ away }) => !away) ?? others.find((other) => leaders.indexOf(other) < at)
}

/** Threads of workers that all compute at once. */
function divide(active: readonly CoreUser[], budget: CoreBudget): Map<string, number> {
  const threads = new Map(active.map(({ id }) => [id, 1]))
  const open = active.filter(({ does }) => does === 'computes')
  for (let left = availableCores(budget) - active.length; left > 0; left--) {
    let next: CoreUser | undefined
    for (const user of open) {
      const has = threads.get(user.id)!
      if (has >= mostThreads(user, budget)) continue
      if (!next || WEIGHTS[user.task] * (threads.get(next.id)! + 1) > WEIGHTS[next.task] * (has + 1))
        next = user
    }
    if (!next) break
    threads.set(next.id, threads.get(next.id)! + 1)
  }
  return threads
}

/** Each token of a chat waits for its slowest thread: one on an economical core makes the fast ones wait. */
function mostThreads({ task }: CoreUser, { performanceCores }: CoreBudget): number {
  return task === 'chat' && performanceCores ? performanceCores : Number.POSITIVE_INFINITY
}

function availableCores({ cores, reserveCores }: CoreBudget): number {
  return Math.max(1, cores - reserveCores)
}

/**
 * Logical processors that model threads leave free: the policy's share of them, `least` at least, one less than all at most.
 * @param least the setting `cpu.reserveCores`
 */
export function reservedCores({ reserveShare }: PolicySpec, cores: number, least: number): number {
  return Math.min(Math.max(least, Math.floor(cores * reserveShare)), Math.max(0, cores - 1))
}
