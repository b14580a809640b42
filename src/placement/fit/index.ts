export { type FitRequest, fit } from './fit.ts'
