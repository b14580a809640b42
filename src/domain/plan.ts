import type { DecoderLoad, MemoryNeed } from './fit.ts'
import type { Measurement } from './measurement.ts'
import { type Placement, placementId } from './placement.ts'
import type { Task } from './task.ts'

export const CHAT_USES = ['chat', 'autocomplete', 'apply'] as const
/** What a chat model is there for: `apply` writes an edit into a file. */
export type ChatUse = (typeof CHAT_USES)[number]

export interface PlannedPlacement extends Placement {
  readonly role: 'primary' | 'overflow' | 'fallback'
  /** Sentences for a person: why here. */
  readonly reasons: readonly string[]
  /** What the user asked for and cannot be: this placement stands in for it. */
  readonly insteadOf?: { readonly engine: string; readonly device: string; readonly reason: string }
  readonly memory?: MemoryNeed
  /** Several devices hold the model: which part of `memory.deviceBytes` lies on each, 0..1. */
  readonly shares?: readonly { readonly device: string; readonly part: number }[]
  /** Decoders: how it is opened. */
  readonly load?: DecoderLoad
  /** Placements whose models do not fit beside this one's: they are loaded in turns, as they are asked for. */
  readonly swapsWith?: readonly string[]
  /** Chat models: what for. */
  readonly use?: ChatUse
  /**
   * Where the CPU computes: its threads, while all that goes before it in the plan answers; of one that only stands in, once it
   * serves. They shift when workers come and go.
   */
  readonly threads?: number
  /** No task falls to it: its worker begins unloaded, and is loaded when a request names the model. */
  readonly onDemand?: boolean
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

/** A wish of the configuration that cannot be fulfilled here. */
export interface UnmetPin {
  readonly task: Task
  readonly model: string
  /** As it was asked for: `npu0`, `openvino@HETERO:GPU.1,CPU`. */
  readonly pin: string
  /** The setting that asks: `placement.embed`. */
  readonly by: string
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
  /** Logical processors that model threads leave free. */
  readonly reserveCores?: number
  /** Absent: every wish is fulfilled. */
  readonly unmet?: readonly UnmetPin[]
}

/** What another plan does otherwise, for one model of a task. */
export interface PlanDifference {
  readonly task: string
  readonly model: string
  /** `ENGINE on DEVICE` that serves; absent: nothing. */
  readonly from?: string
  readonly to?: string
  /** Those behind it, where these changed. */
  readonly behindFrom?: readonly string[]
  readonly behindTo?: readonly string[]
  /** Placements with which the one that serves is loaded in turns, where these changed. */
  readonly swapsFrom?: readonly string[]
  readonly swapsTo?: readonly string[]
  /** What decided it, one sentence. */
  readonly reason: string
}

/** Why a running plan was replaced by another. */
export interface PlanChange {
  readonly plan: Plan
  /** One sentence: `gpu0 was measured`, `npu0 is gone`. */
  readonly cause: string
}

/** Of each list one at most is loaded at a time; what is loaded whatever else is stands in a list of its own. */
export function loadedInTurns(placements: readonly PlannedPlacement[]): PlannedPlacement[][] {
  const turns = new Map<string, PlannedPlacement[]>()
  for (const placement of placements) {
    const key = [placementId(placement), ...(placement.swapsWith ?? [])].sort().join(' ')
    turns.set(key, [...(turns.get(key) ?? []), placement])
  }
  return [...turns.values()]
}

/** All placements of a plan, task by task in their order. */
export function placementsOf({ tasks }: Pick<Plan, 'tasks'>): PlannedPlacement[] {
  return Object.values(tasks).flat()
}
