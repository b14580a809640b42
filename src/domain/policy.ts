import type { DeviceKind } from './device.ts'
import type { Task } from './task.ts'

/** Names of the policies that Tandem knows without configuration. */
export const POLICIES = ['performance', 'development', 'economy'] as const

/** What a policy wants of one task. */
export interface TaskPolicy {
  /** Kinds of devices in order of preference; a kind that is not named is never used. */
  readonly prefer: readonly DeviceKind[]
  /** A preferred device must reach this share of the fastest one's measured speed, 0..1; else a faster one goes before it. */
  readonly minShare: number
  /** A discrete GPU on which no chat model is placed goes before the CPU. */
  readonly spareGpu: boolean
  /** What counts among placements that are good enough. */
  readonly goal: 'preference' | 'speed' | 'energy'
  /** Kinds that help while the first placement is full; others only stand in when it fails. */
  readonly overflow: readonly DeviceKind[]
  /** Milliseconds in which one short text must be embedded or scored, or a chat's token written; slower is not good enough for a person who waits. */
  readonly maxMs: number
  /** Placements that are kept loaded behind the first one, at most: they take memory. */
  readonly standIns: number
}

/** A policy as data: a user may change any of it (config `placement.policies`). */
export interface PolicySpec {
  readonly name: string
  /** What it is for, in one sentence. */
  readonly title: string
  readonly tasks: Readonly<Record<Task, TaskPolicy>>
  /** Kinds in order of preference for chat models beside the first: autocomplete, apply. */
  readonly furtherChat: readonly DeviceKind[]
  /** `energy`: on battery every task is placed for least energy. */
  readonly onBattery: 'same' | 'energy'
  /** Share of the logical processors that model threads leave free, 0..1; `cpu.reserveCores` is the least. */
  readonly reserveShare: number
  /** Encoders on the CPU run at background priority; a chat, which a person reads along, does not. */
  readonly background: boolean
  /** Largest chat model that an NPU gets, in parameters. */
  readonly maxNpuChatParameters: number
  /** Seconds without a request after which a chat model on a GPU is unloaded, until the next request; 0: never. */
  readonly unloadIdleS: number
}
