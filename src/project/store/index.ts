export { openEmbeddedStore } from './embedded/open.ts'
