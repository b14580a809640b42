export type { LiveFigure } from './cache/drift.ts'
export { MeasurementStore } from './cache/store.ts'
export type { CalibrationProgress, CalibrationReport } from './calibrate.ts'
export { calibrateHere } from './here.ts'
export { startIdleCalibration } from './idle.ts'
export { shouldCalibrate } from './idle-rule.ts'
export { type MeasuringJob, measureJob } from './job.ts'
export { Knowledge } from './knowledge.ts'
export { speedOf } from './measure/candidate.ts'
export {
  lookForModels,
  lookForServers,
  type ModelChanges,
  type Survey,
  surveyAgain,
  surveyMachine,
} from './survey.ts'
