export type * from './contract.ts'
export { createProjects } from './projects.ts'
