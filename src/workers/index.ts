export type { CallOptions, Worker, WorkerEvent, WorkerInfo } from './contract.ts'
export type { WorkerLimits } from './limits.ts'
export { startWorker, type WorkerOptions } from './supervisor.ts'
