export { fit, stillFits } from './fit.ts'
