import type { Device, Measurement, Placement, PlacementRef } from '../../domain/index.ts'
import type { Worker, WorkerOptions } from '../../workers/index.ts'

/** A placement that may be measured, with all that its worker needs. */
export interface Candidate {
  readonly placement: Placement
  readonly options: WorkerOptions
  /** Its worker where it runs already: it is lent to the measurement, for a second one may have no room. */
  readonly running?: Worker
}

export interface MeasureOptions {
  /** Milliseconds of the benchmark, loading and the first run apart; a slow device may take twice as long. Default: 3000. */
  readonly budgetMs?: number
  /** Ends the worker at once; the promise rejects with its reason. */
  readonly signal?: AbortSignal
  readonly onProgress?: (phase: 'loading' | 'measuring') => void
  /** Where it runs: its energy counter is read where it has one. */
  readonly device?: Device
}

export const DEFAULT_BUDGET_MS = 3000

export function refOf({ task, model, engine, device }: PlacementRef): PlacementRef {
  return { task, model, engine, device }
}

/** The figure that a person compares: texts per second, or tokens written per second; undefined when it does not run. */
export function speedOf({ encoder, decoder }: Measurement): number | undefined {
  return encoder?.textsPerSecond ?? decoder?.decodeTokensPerSecond
}
