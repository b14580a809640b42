export { createLog, type Logger } from './log.ts'
export {
  type ObservedBatch,
  type ObservedEnd,
  type ObservedMove,
  type ObservedRequest,
  type ObservedWorker,
  type Observer,
  observeWith,
} from './observer.ts'
