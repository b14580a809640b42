export { builtEntry, PACKAGE_ROOT, tandemHome } from './paths.ts'
export { Config } from './schema.ts'
