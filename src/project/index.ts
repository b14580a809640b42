export type * from './contract.ts'
export { createProjects, type ProjectsOptions } from './projects.ts'
