/** What can go wrong, each with its way to do it to a real process. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Task } from '../../src/domain/index.ts'
import { isRunning } from '../processes.ts'
import type { World } from './world.ts'

const SLOW_START_MS = 1500
const STOPPED_MS = 1000
const FULL_MS = 3000
const HOG_BYTES = 3 * 2 ** 30
const HOUR_MS = 3_600_000

export interface Fault {
  readonly name: string
  /** Whose worker it hits; empty: the server itself. */
  readonly tasks: readonly Task[]
  /** Whether the worker must be replaced by another process. */
  readonly replaces: boolean
  /** @param pid of the worker, or of the server */
  inject(world: World, pid: number): Promise<void>
}

const kill = (pid: number) => process.kill(pid, 'SIGKILL')
const ALL: readonly Task[] = ['embed', 'chat', 'rerank', 'classify']

export const FAULTS: readonly Fault[] = [
  { name: 'kill', tasks: ALL, replaces: true, inject: async (_, pid) => void kill(pid) },
  {
    name: 'stop',
    tasks: ['embed', 'chat'],
    replaces: true,
    inject: async (_, pid) => void process.kill(pid, 'SIGSTOP'),
  },
  {
    name: 'stop-and-go',
    tasks: ['embed', 'chat'],
    replaces: false,
    async inject(_, pid) {
      process.kill(pid, 'SIGSTOP')
      await sleep(STOPPED_MS)
      if (isRunning(pid)) process.kill(pid, 'SIGCONT')
    },
  },
  {
    name: 'garbage-bytes',
    tasks: ['embed', 'chat'],
    replaces: true,
    inject: (world, pid) => world.command(pid, { name: 'garbageBytes' }),
  },
  {
    name: 'garbage-objects',
    tasks: ['embed', 'chat'],
    replaces: true,
    inject: (world, pid) => world.command(pid, { name: 'garbageObjects' }),
  },
  {
    name: 'slow-start',
    tasks: ['embed', 'chat'],
    replaces: true,
    async inject(world, pid) {
      await world.nextLoad({ slowMs: SLOW_START_MS })
      kill(pid)
    },
  },
  {
    name: 'failing-open',
    tasks: ['embed', 'chat'],
    replaces: true,
    async inject(world, pid) {
      await world.nextLoad({ failOpen: 'driver' })
      kill(pid)
    },
  },
  {
    name: 'open-out-of-memory',
    tasks: ['embed'],
    replaces: true,
    async inject(world, pid) {
      await world.nextLoad({ failOpen: 'memory' })
      kill(pid)
    },
  },
  {
    name: 'memory-hog',
    tasks: ['embed'],
    replaces: true,
    inject: (world, pid) => world.command(pid, { name: 'hog', bytes: HOG_BYTES }),
  },
  {
    name: 'full-disk',
    tasks: [],
    replaces: false,
    async inject({ disk }) {
      disk.fill()
      await sleep(FULL_MS)
      disk.free()
    },
  },
  {
    name: 'clock-jump',
    tasks: [],
    replaces: false,
    async inject(world, pid) {
      await world.command(pid, { name: 'clock', byMs: HOUR_MS })
      await sleep(500)
      await world.command(pid, { name: 'clock', byMs: -2 * HOUR_MS })
    },
  },
]

export interface Planned {
  readonly fault: Fault
  readonly task: Task | undefined
}

/** Each fault on each of its tasks once, kills `kills` times, in an order that the random numbers give. */
export function schedule(
  next: () => number,
  { kills, each, only }: { kills: number; each: number; only?: string | undefined },
): Planned[] {
  const planned: Planned[] = []
  for (const fault of FAULTS) {
    if (only !== undefined && fault.name !== only) continue
    const tasks = fault.tasks.length > 0 ? fault.tasks : [undefined]
    const times = fault.name === 'kill' ? kills : each
    for (let time = 0; time < times; time += 1) for (const task of tasks) planned.push({ fault, task })
  }
  for (let at = planned.length - 1; at > 0; at -= 1) {
    const other = Math.floor(next() * (at + 1))
    const [a, b] = [planned[at]!, planned[other]!]
    planned[at] = b
    planned[other] = a
  }
  return planned
}
