export type * from './contract.ts'
export { createProjects, type ProjectsOptions, type Retrieval, type SearchSource } from './projects.ts'
