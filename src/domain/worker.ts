import type { EngineId } from './engine.ts'
import type { Priority } from './priority.ts'
import type { Task } from './task.ts'

export type WorkerState = 'starting' | 'ready' | 'busy' | 'restarting' | 'quarantined' | 'stopped'

/** How far a process is that loads its model and has not answered yet. */
export interface ModelLoading {
  /** Milliseconds since the process was started. */
  readonly ms: number
  /** Share of the weights that are in memory, 0..1; at 1 the first answer is awaited. Absent: the engine does not tell. */
  readonly progress?: number
}

/** A running placement as seen from outside. */
export interface WorkerStatus {
  readonly id: string
  readonly task: Task
  readonly model: string
  readonly engine: EngineId
  readonly device: string
  readonly simulated: boolean
  readonly pid?: number
  readonly state: WorkerState
  /** While its process loads the model. */
  readonly loading?: ModelLoading
  readonly queued: number
  readonly running: number
  /** Compute threads on the CPU; absent where a simulated device computes. */
  readonly threads?: number
  /** Why it is not ready. */
  readonly error?: string
  /** Workers whose models do not fit beside its own: one of them is loaded at a time. */
  readonly swapsWith?: readonly string[]
}

/** Which placement answered, and how it came to that. */
export interface ServedBy {
  readonly model: string
  readonly engine: EngineId
  readonly device: string
  readonly simulated: boolean
  /** Present when another placement should have served: from what and why, one line. */
  readonly fallback?: string
}

/** Requests of one task and model, of one priority. */
export interface QueueDepth {
  readonly task: Task
  readonly model: string
  readonly priority: Priority
  /** With inputs that no worker has. */
  readonly waiting: number
  /** With inputs at a worker. */
  readonly running: number
}
