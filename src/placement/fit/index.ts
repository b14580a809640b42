export { type FitRequest, fit, stillFits } from './fit.ts'
