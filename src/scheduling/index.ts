export type { RequestContext, Served, Serving } from './contract.ts'
export { createServing, type ServingOptions } from './serving.ts'
