import type { DecoderLoad, MemoryNeed } from './fit.ts'
import type { Measurement } from './measurement.ts'
import type { Placement } from './placement.ts'
import type { Task } from './task.ts'

export interface PlannedPlacement extends Placement {
  readonly role: 'primary' | 'overflow' | 'fallback'
  /** Sentences for a person: why here. */
  readonly reasons: readonly string[]
  /** What the user asked for and cannot be: this placement stands in for it. */
  readonly insteadOf?: { readonly engine: string; readonly device: string; readonly reason: string }
  readonly memory?: MemoryNeed
  /** Decoders: how it is opened. */
  readonly load?: DecoderLoad
  /** The numbers behind the decision; absent: chosen by rule of thumb. */
  readonly measured?: Measurement
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
  /** Name of a policy. */
  readonly policy: string
  readonly simulated: boolean
  /** Several models of one task stand one after the other, each with its own primary. */
  readonly tasks: Readonly<Partial<Record<Task, readonly PlannedPlacement[]>>>
  readonly rejected: readonly RejectedPlacement[]
}

/** Why a running plan was replaced by another. */
export interface PlanChange {
  readonly plan: Plan
  /** One sentence: `gpu0 was measured`, `npu0 is gone`. */
  readonly cause: string
}
