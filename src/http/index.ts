export type { HttpDeps, HttpLog, ModelEntry } from './deps.ts'
export { nearestNames } from './nearest.ts'
export { createHttpServer, type HttpServer } from './server.ts'
