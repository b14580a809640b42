export { findPassages, searchProject } from './search.ts'
