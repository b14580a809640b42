export type { CallOptions, Worker, WorkerEvent } from './contract.ts'
export { startWorker, type WorkerOptions } from './supervisor.ts'
