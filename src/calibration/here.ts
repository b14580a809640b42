import { mkdir } from 'node:fs/promises'
import type { PlacementRef, Task } from '../domain/index.ts'
import type { CalibrationContext } from './cache/key.ts'
import { MeasurementStore } from './cache/store.ts'
import { type CalibrationProgress, type CalibrationReport, calibrate } from './calibrate.ts'
import { candidatesOf, type Machine, pairsOf } from './candidates.ts'
import { engineVersions } from './engine-versions.ts'
import { readPower } from './power.ts'

export interface CalibrateHereOptions {
  readonly signal: AbortSignal
  /** Absent: all. */
  readonly tasks?: readonly Task[]
  /** Measures also what is known. */
  readonly again: boolean
  readonly budgetMs: number
  /** Placements that the plan runs at the same time. */
  readonly together: readonly PlacementRef[]
  readonly onProgress?: (progress: CalibrationProgress) => void
  readonly onWarning: (sentence: string) => void
}

/** What every measurement here depends on. */
export async function contextOf({ devices, engines }: Machine): Promise<CalibrationContext> {
  const { profile } = await readPower()
  return { devices, engineVersions: engineVersions(engines), powerProfile: profile }
}

/**
 * Measures every placement that is possible here, as far as it is not known.
 * @throws the signal's reason, TandemError CONFIG_INVALID when a newer Tandem wrote the cache
 */
export async function calibrateHere(
  machine: Machine,
  options: CalibrateHereOptions,
): Promise<CalibrationReport> {
  const { tasks, together, onWarning, ...rest } = options
  await mkdir(machine.home, { recursive: true })
  const store = new MeasurementStore(machine.home, { onWarning })
  try {
    const candidates = candidatesOf(machine).filter(
      ({ placement }) => tasks === undefined || tasks.includes(placement.task),
    )
    const pairs = pairsOf(candidates, together)
    return await calibrate(candidates, { ...rest, store, pairs, context: await contextOf(machine) })
  } finally {
    store.close()
  }
}
