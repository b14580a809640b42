import { join } from 'node:path'
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import {
  type Interference,
  type Measurement,
  type PlacementRef,
  placementId,
  TandemError,
} from '../../domain/index.ts'
import { type Candidate, refOf } from '../measure/candidate.ts'
import { type Drift, hasDrifted, type LiveFigure, NO_DRIFT, noteRatio, speedRatio } from './drift.ts'
import { type Figures, figuresText, readFigures } from './figures.ts'
import { close, isBusy, openFile } from './file.ts'
import { type CalibrationContext, changeBetween, isNear, keyOf, type MeasurementKey, sameKey } from './key.ts'
import { findRow, markStale, prune, putRow, relatedKeys } from './rows.ts'

/** Rows of each table; the oldest go. */
const MAX_ROWS = 2000
/** What did not run is tried again after this: memory may be free by then, a driver repaired. */
const RETRY_FAILED_MS = 24 * 3_600_000
/** Figures that always differ in live traffic, beside other programs say, are measured again this often at most. */
const DRIFT_AGAIN_MS = 6 * 3_600_000

/** Two placements that run together. */
export type Pair = readonly [Candidate, Candidate]

export interface Known {
  /** One for each candidate that was measured; also what is old, until it is measured again. */
  readonly measured: readonly Measurement[]
  /** What to measure, and why in one sentence. */
  readonly missing: readonly { readonly candidate: Candidate; readonly why: string }[]
}

export interface StoreOptions {
  /** Told in one sentence when the file cannot be used; default: a process warning. */
  readonly onWarning?: (sentence: string) => void
  readonly now?: () => number
  readonly maxRows?: number
}

/** The measurements of this machine, in `calibration.sqlite` of the home; several processes may use it at once. */
export class MeasurementStore {
  readonly #file: string
  readonly #warn: (sentence: string) => void
  readonly #now: () => number
  readonly #maxRows: number
  /** By placement id, as of the last `measurementsFor`: what live traffic is compared with. */
  readonly #live = new Map<string, { key: MeasurementKey; measurement: Measurement; drift: Drift }>()
  #database: DatabaseSyncInstance

  /** @throws TandemError CONFIG_INVALID when a newer Tandem wrote the file */
  constructor(home: string, options: StoreOptions = {}) {
    this.#file = join(home, 'calibration.sqlite')
    this.#warn = options.onWarning ?? ((sentence) => process.emitWarning(sentence))
    this.#now = options.now ?? Date.now
    this.#maxRows = options.maxRows ?? MAX_ROWS
    this.#database = openFile(this.#file, this.#warn)
  }

  /** What is known of the candidates under the present versions, drivers and power profile, and what is not. */
  measurementsFor(candidates: readonly Candidate[], context: CalibrationContext): Known {
    const measured: Measurement[] = []
    const missing: { candidate: Candidate; why: string }[] = []
    for (const candidate of candidates) {
      const { placement } = candidate
      const key = keyOf(candidate, context)
      const row = this.#withFile((database) => findRow(database, key))
      const figures = row && readFigures(row.figures)
      if (!row || !figures) {
        missing.push({ candidate, why: this.#whyMissing(key) })
        const near = this.#nearest(key)
        if (near) measured.push({ ...refOf(placement), from: 'measured', ...near, estimated: true })
        continue
      }
      const measurement: Measurement = { ...refOf(placement), from: 'measured', ...figures }
      measured.push(measurement)
      const id = placementId(placement)
      const before = this.#live.get(id)
      const drift = before && sameKey(before.key, key) ? before.drift : NO_DRIFT
      this.#live.set(id, { key, measurement, drift })
      const ageMs = this.#now() - row.measuredAtMs
      if (row.stale) missing.push({ candidate, why: 'live traffic is more than 30 % faster or slower' })
      else if (figures.failed !== undefined && ageMs > RETRY_FAILED_MS)
        missing.push({ candidate, why: `it failed a day ago: ${figures.failed}` })
    }
    return { measured, missing }
  }

  /**
   * Keeps what was measured. A failure does not replace a figure, which only becomes stale: what ran before runs again, and its
   * worker would tell if not.
   * @returns whether it is kept
   * @throws TandemError INVALID_REQUEST for a figure of a simulated machine
   */
  put(candidate: Candidate, context: CalibrationContext, measurement: Measurement): boolean {
    refuseSimulated(measurement.from !== 'measured' || candidate.placement.simulated)
    const key = keyOf(candidate, context)
    const text = figuresText(measurement)
    const isKept = this.#withFile((database) => {
      const before = findRow(database, key)
      const worked = before && readFigures(before.figures)?.failed === undefined
      if (worked && measurement.failed !== undefined) {
        markStale(database, key)
        return false
      }
      putRow(database, key, text, this.#now())
      prune(database, 'measurements', this.#maxRows)
      return true
    })
    if (isKept) this.#live.set(placementId(candidate.placement), { key, measurement, drift: NO_DRIFT })
    return isKept
  }

  /** @returns the known ones, and the pairs that were never measured under the present versions and drivers */
  interferenceFor(
    pairs: readonly Pair[],
    context: CalibrationContext,
  ): { readonly known: readonly Interference[]; readonly missing: readonly Pair[] } {
    const known: Interference[] = []
    const missing: Pair[] = []
    for (const pair of pairs) {
      const { texts, swapped } = orderedKeys(pair, context)
      const row = this.#withFile((database) =>
        database.prepare('SELECT * FROM interference WHERE first = ? AND second = ?').get(...texts),
      )
      if (!row) {
        missing.push(pair)
        continue
      }
      const keeps = [Number(row['first_keeps']), Number(row['second_keeps'])] as const
      const [firstKeeps, secondKeeps] = swapped ? [keeps[1], keeps[0]] : keeps
      const [first, second] = [refOf(pair[0].placement), refOf(pair[1].placement)]
      known.push({ first, second, firstKeeps, secondKeeps })
    }
    return { known, missing }
  }

  /** @throws TandemError INVALID_REQUEST for simulated placements */
  putInterference(pair: Pair, context: CalibrationContext, interference: Interference): void {
    refuseSimulated(pair.some(({ placement }) => placement.simulated))
    const { texts, swapped } = orderedKeys(pair, context)
    const { firstKeeps, secondKeeps } = interference
    const keeps = swapped ? ([secondKeeps, firstKeeps] as const) : ([firstKeeps, secondKeeps] as const)
    this.#withFile((database) => {
      database
        .prepare('INSERT OR REPLACE INTO interference VALUES (?, ?, ?, ?, ?)')
        .run(...texts, ...keeps, this.#now())
      prune(database, 'interference', this.#maxRows)
    })
  }

  /**
   * Compares live traffic with the measurement that the last `measurementsFor` gave. Cheap: call it for every answer.
   * @returns true when this figure made the measurement stale: it is to be measured again
   */
  noteLive(placement: PlacementRef, figure: LiveFigure): boolean {
    const entry = this.#live.get(placementId({ ...placement, kind: 'cpu', simulated: false }))
    const ratio = entry && speedRatio(figure, entry.measurement)
    if (!entry || ratio === undefined) return false
    entry.drift = noteRatio(entry.drift, ratio)
    if (!hasDrifted(entry.drift)) return false
    entry.drift = NO_DRIFT
    try {
      return this.#withFile((database) => {
        const row = findRow(database, entry.key)
        const tooSoon = row?.drifted && this.#now() - row.measuredAtMs < DRIFT_AGAIN_MS
        if (!row || row.stale || tooSoon) return false
        markStale(database, entry.key)
        return true
      })
    } catch (thrown) {
      if (isBusy(thrown)) return false // the next samples will tell it again
      throw thrown
    }
  }

  close(): void {
    close(this.#database)
  }

  /** Figures of other settings, threads or another power profile: better than none until these are measured. */
  #nearest(key: MeasurementKey): Figures | undefined {
    const keys = this.#withFile((database) => relatedKeys(database, key)).filter((old) => isNear(old, key))
    for (const old of keys) {
      const row = this.#withFile((database) => findRow(database, old))
      const figures = row && readFigures(row.figures)
      if (figures && figures.failed === undefined) return figures
    }
    return undefined
  }

  #whyMissing(key: MeasurementKey): string {
    const sameDevice = this.#withFile((database) => relatedKeys(database, key)).filter(
      (old) => old.device === key.device,
    )
    const [change] = sameDevice.flatMap((old) => changeBetween(old, key) ?? [])
    return change ?? 'it was never measured here'
  }

  /** A file that is found damaged while it is open is set aside, too. */
  #withFile<T>(work: (database: DatabaseSyncInstance) => T): T {
    try {
      return work(this.#database)
    } catch (thrown) {
      if (isBusy(thrown) || !isDamage(thrown)) throw thrown
      close(this.#database)
      this.#database = openFile(this.#file, this.#warn)
      return work(this.#database)
    }
  }
}

/** A pair is the same in either order. */
function orderedKeys([a, b]: Pair, context: CalibrationContext) {
  const texts = [a, b].map((each) => JSON.stringify(keyOf(each, context))) as [string, string]
  const swapped = texts[0] > texts[1]
  return { texts: swapped ? ([texts[1], texts[0]] as const) : texts, swapped }
}

function refuseSimulated(simulated: boolean): void {
  if (!simulated) return
  const what = 'a figure of a simulated machine may not enter the measurements of this one'
  throw new TandemError('INVALID_REQUEST', { what })
}

function isDamage(thrown: unknown): boolean {
  return thrown instanceof Error && /malformed|not a database|no such table|disk i\/o/i.test(thrown.message)
}
