export { type OpenOptions, openEmbeddedStore } from './embedded/open.ts'
