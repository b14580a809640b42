export { Conductor, type Refusal } from './conductor.ts'
export type { ManagedServing, Serving } from './contract.ts'
export { createServing } from './serving.ts'
