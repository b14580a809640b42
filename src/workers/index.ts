export type { CallOptions, Worker, WorkerEvent, WorkerInfo } from './contract.ts'
export { startWorker, type WorkerOptions } from './supervisor.ts'
