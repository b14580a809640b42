export type * from './contract.ts'
export { createEmbeddedProjects } from './embedded.ts'
