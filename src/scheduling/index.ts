export type { Serving } from './contract.ts'
export { createServing } from './serving.ts'
