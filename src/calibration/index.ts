export type { Candidate, MeasureOptions } from './measure/candidate.ts'
export { measurePlacement } from './measure/measure.ts'
