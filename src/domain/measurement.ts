import type { EngineId } from './engine.ts'
import type { Task } from './task.ts'

/** Names a placement without saying more of it. */
export interface PlacementRef {
  readonly task: Task
  /** Model id. */
  readonly model: string
  readonly engine: EngineId
  /** Device id. */
  readonly device: string
}

export interface EncoderFigures {
  /** The best over all buckets and batches. */
  readonly textsPerSecond: number
  /** Lengths in tokens with the time of one text alone (batch 1) and in batches. */
  readonly buckets: readonly { readonly tokens: number; readonly batch: number; readonly msPerText: number }[]
}

export interface DecoderFigures {
  /** Reading a prompt. */
  readonly promptTokensPerSecond: number
  /** Writing, one chat alone. */
  readonly decodeTokensPerSecond: number
}

/** What a placement does here, as measured; or why it does not run. */
export interface Measurement extends PlacementRef {
  /** `profile`: of a simulated machine, from its data. */
  readonly from: 'measured' | 'profile'
  /** Arithmetic or a guess, with no source behind it; or measured under other settings than the present ones. */
  readonly estimated?: boolean
  readonly loadMs?: number
  /** Memory that the worker's process takes. */
  readonly hostBytes?: number
  /** Memory that it takes on a device with memory of its own. */
  readonly deviceBytes?: number
  /** While it works, above idle. */
  readonly watts?: number
  readonly encoder?: EncoderFigures
  readonly decoder?: DecoderFigures
  /** Compute threads that it was measured with; on the CPU. */
  readonly threads?: number
  /** It was tried and does not run: one sentence. */
  readonly failed?: string
}

/** Two placements that run at once: the share of its speed alone that each keeps, 0..1. */
export interface Interference {
  readonly first: PlacementRef
  readonly second: PlacementRef
  readonly firstKeeps: number
  readonly secondKeeps: number
}

export function sameRef(a: PlacementRef, b: PlacementRef): boolean {
  return a.task === b.task && a.model === b.model && a.engine === b.engine && a.device === b.device
}
