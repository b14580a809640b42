export type { LiveFigure } from './cache/drift.ts'
export type { CalibrationContext } from './cache/key.ts'
export { type Known, MeasurementStore, type Pair } from './cache/store.ts'
export {
  type CalibrationProgress,
  type CalibrationReport,
  calibrate,
  measureCandidate,
} from './calibrate.ts'
export { candidatesOf, type Machine, pairsOf } from './candidates.ts'
export { engineVersions } from './engine-versions.ts'
export { type CalibrateHereOptions, calibrateHere, contextOf } from './here.ts'
export { type IdleCalibration, startIdleCalibration } from './idle.ts'
export { shouldCalibrate } from './idle-rule.ts'
export { type Candidate, speedOf } from './measure/candidate.ts'
export { measureInterference } from './measure/interference.ts'
export { measurePlacement } from './measure/measure.ts'
export { readPower } from './power.ts'
export { type WorkerContext, workerOptions } from './worker-options.ts'
