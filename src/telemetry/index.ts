export type { ServerEvent } from './events/events.ts'
export { createLog, type Logger } from './log.ts'
export {
  type ObservedBatch,
  type ObservedEnd,
  type ObservedRequest,
  type Observer,
  observeWith,
} from './observer.ts'
export { createTelemetry, type Telemetry } from './telemetry.ts'
export type { WorkerHistory } from './worker-history.ts'
