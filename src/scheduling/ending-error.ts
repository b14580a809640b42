import { TandemError } from '../domain/index.ts'
import type { Ending } from './core/index.ts'
import type { Routes } from './routes.ts'

/** What a client is told about a request that was not answered. */
export function endingError(
  ending: Exclude<Ending, { how: 'done' }>,
  routes: Routes,
  batchErrors: ReadonlyMap<number, TandemError>,
  workerErrors: ReadonlyMap<string, TandemError>,
): TandemError {
  switch (ending.how) {
    case 'cancelled':
      return new TandemError('CANCELLED')
    case 'shuttingDown':
      return new TandemError('SHUTTING_DOWN')
    case 'deadline':
      return new TandemError('DEADLINE', { ms: ending.ms })
    case 'queueFull': {
      const { lane, waiting, retryAfterS } = ending
      const device = routes.byId(lane)?.workers[0]?.placement.device ?? lane
      return new TandemError('QUEUE_FULL', { device, waiting }, { retryAfterS })
    }
    case 'unserved': {
      const workers = routes.byId(ending.lane)?.workers ?? []
      const known = workers.flatMap(({ worker }) => workerErrors.get(worker.id) ?? [])
      return known[0] ?? new TandemError('TASK_UNSERVED', { task: ending.lane })
    }
    case 'failed': {
      const error = batchErrors.get(ending.batch) ?? workerErrors.get(ending.worker)
      return error ?? new TandemError('WORKER_LOST', { worker: ending.worker, why: 'unknown' })
    }
    default:
      return ending satisfies never
  }
}
