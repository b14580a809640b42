export type { HttpDeps } from './deps.ts'
export { createHttpServer } from './server.ts'
