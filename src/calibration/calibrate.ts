import { type Interference, type Measurement, type PlacementRef, sameRef } from '../domain/index.ts'
import type { CalibrationContext } from './cache/key.ts'
import type { MeasurementStore, Pair } from './cache/store.ts'
import { type Candidate, refOf } from './measure/candidate.ts'
import { measureInterference } from './measure/interference.ts'
import { measurePlacement } from './measure/measure.ts'

export interface CalibrationProgress {
  /** Placements and pairs that are finished, of `total`. */
  readonly done: number
  readonly total: number
  readonly placement: PlacementRef
  /** The other one of a pair. */
  readonly beside?: PlacementRef
  /** Absent when its measurement begins, and for a pair that does not run at once. */
  readonly figure?: Measurement | Interference
}

export interface CalibrateOptions {
  readonly store: MeasurementStore
  readonly context: CalibrationContext
  readonly signal: AbortSignal
  /** Milliseconds of each benchmark, loading apart. */
  readonly budgetMs: number
  readonly onProgress?: (progress: CalibrationProgress) => void
  /** Placements that a plan runs together; asked for when all candidates are measured. */
  readonly pairs?: () => readonly Pair[]
  /** Measures also what is known. */
  readonly again?: boolean
}

export interface CalibrationReport {
  /** Of every candidate, also those that were known. */
  readonly measured: readonly Measurement[]
  readonly interference: readonly Interference[]
  /** Placements that were measured now. */
  readonly fresh: readonly PlacementRef[]
  readonly seconds: number
}

/**
 * Measures what is missing, one placement after the other, then the pairs; each result is kept at once.
 * @throws the signal's reason; what was measured until then is kept
 */
export async function calibrate(
  candidates: readonly Candidate[],
  options: CalibrateOptions,
): Promise<CalibrationReport> {
  const { store, context, signal, budgetMs, onProgress, again = false } = options
  const startedMs = performance.now()
  const known = store.measurementsFor(candidates, context)
  const missing = again ? candidates : known.missing.map(({ candidate }) => candidate)
  let total = missing.length
  const fresh = new Map<Candidate, Measurement>()
  let done = 0
  for (const candidate of missing) {
    const placement = refOf(candidate.placement)
    onProgress?.({ done, total, placement })
    const figure = await measureCandidate(candidate, context, { signal, budgetMs })
    if (figure.from === 'measured') store.put(candidate, context, figure)
    fresh.set(candidate, figure)
    done += 1
    onProgress?.({ done, total, placement, figure })
  }
  const measured = candidates.flatMap(
    (candidate) =>
      fresh.get(candidate) ?? known.measured.find((each) => sameRef(each, candidate.placement)) ?? [],
  )
  const runs = (ref: PlacementRef) => measured.some((each) => sameRef(each, ref) && each.failed === undefined)
  const interference: Interference[] = []
  const pairs = options.pairs?.() ?? []
  const unknownPairs = again ? pairs : store.interferenceFor(pairs, context).missing
  total += unknownPairs.length
  for (const pair of unknownPairs) {
    const [placement, beside] = [refOf(pair[0].placement), refOf(pair[1].placement)]
    onProgress?.({ done, total, placement, beside })
    const figure = runs(placement) && runs(beside) ? await together(pair, { signal, budgetMs }) : undefined
    if (figure) {
      if (!pair.some((each) => each.placement.simulated)) store.putInterference(pair, context, figure)
      interference.push(figure)
    }
    done += 1
    onProgress?.({ done, total, placement, beside, ...(figure ? { figure } : {}) })
  }
  const kept = store.interferenceFor(
    pairs.filter((pair) => !unknownPairs.includes(pair)),
    context,
  ).known
  return {
    measured,
    interference: [...kept, ...interference],
    fresh: [...fresh.keys()].map(({ placement }) => refOf(placement)),
    seconds: (performance.now() - startedMs) / 1000,
  }
}

/** @returns undefined where both at once do not run: too little memory, say */
async function together(
  [first, second]: Pair,
  options: { readonly signal: AbortSignal; readonly budgetMs: number },
): Promise<Interference | undefined> {
  try {
    return await measureInterference(first, second, options)
  } catch {
    options.signal.throwIfAborted()
    return undefined
  }
}

/** Measures one placement on its device. @throws the signal's reason */
export function measureCandidate(
  candidate: Candidate,
  { devices }: Pick<CalibrationContext, 'devices'>,
  options: { readonly signal: AbortSignal; readonly budgetMs: number },
): Promise<Measurement> {
  const device = devices.find(({ id }) => id === candidate.placement.device)
  return measurePlacement(candidate, { ...options, ...(device ? { device } : {}) })
}
