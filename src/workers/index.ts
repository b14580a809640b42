export type { CallOptions, Worker, WorkerEvent, WorkerInfo } from './contract.ts'
export type { WorkerOptions } from './options.ts'
export { StandbyPool } from './standby.ts'
export { startWorker } from './worker.ts'
