export { deviceMargin, fit, stillFits } from './fit.ts'
