export { projectorNeed } from './decoder-need.ts'
export { fit, stillFits, weightsAlone } from './fit.ts'
