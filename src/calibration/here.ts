import { mkdir } from 'node:fs/promises'
import type { Task } from '../domain/index.ts'
import { MeasurementStore } from './cache/store.ts'
import { type CalibrationProgress, type CalibrationReport, calibrate } from './calibrate.ts'
import { Knowledge, pairsTogether } from './knowledge.ts'
import type { Survey } from './survey.ts'

export interface CalibrateHereOptions {
  readonly signal: AbortSignal
  /** Absent: all. */
  readonly tasks?: readonly Task[]
  /** Measures also what is known. */
  readonly again: boolean
  readonly onProgress?: (progress: CalibrationProgress) => void
  readonly onWarning: (sentence: string) => void
}

/**
 * Measures every placement that is possible here, as far as it is not known, then what the plan runs at the same time.
 * @throws the signal's reason, TandemError CONFIG_INVALID when a newer Tandem wrote the cache
 */
export async function calibrateHere(
  survey: Survey,
  { tasks, again, signal, onProgress, onWarning }: CalibrateHereOptions,
): Promise<CalibrationReport> {
  await mkdir(survey.home, { recursive: true })
  const store = new MeasurementStore(survey.home, { onWarning })
  try {
    const knowledge = new Knowledge(survey, store)
    const candidates = knowledge.candidates(tasks)
    const { budgetMs } = survey.config.calibration
    return await calibrate(candidates, {
      store,
      context: knowledge.context(),
      again,
      budgetMs,
      signal,
      pairs: () => pairsTogether(candidates, knowledge.plan()),
      ...(onProgress ? { onProgress } : {}),
    })
  } finally {
    store.close()
  }
}
