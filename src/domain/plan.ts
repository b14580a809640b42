import type { Placement } from './placement.ts'
import type { Task } from './task.ts'

export const POLICIES = ['performance', 'development', 'economy'] as const
export type Policy = (typeof POLICIES)[number]

export interface PlannedPlacement extends Placement {
  readonly role: 'primary' | 'overflow' | 'fallback'
  /** Sentences for a person: why here. */
  readonly reasons: readonly string[]
  /** What the user asked for and cannot be: this placement stands in for it. */
  readonly insteadOf?: { readonly engine: string; readonly device: string; readonly reason: string }
}

export interface RejectedPlacement {
  readonly task: Task
  readonly model: string
  readonly engine: string
  readonly device: string
  readonly reason: string
}

/** For each task its placements in order: the first serves, the rest are overflow and fallback. */
export interface Plan {
  readonly policy: Policy
  readonly simulated: boolean
  readonly tasks: Readonly<Partial<Record<Task, readonly PlannedPlacement[]>>>
  readonly rejected: readonly RejectedPlacement[]
}
