export type { HttpDeps, HttpLog, ModelEntry } from './deps.ts'
export { createHttpServer, type HttpServer } from './server.ts'
