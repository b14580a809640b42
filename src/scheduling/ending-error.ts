import { TandemError } from '../domain/index.ts'
import type { Ending } from './core/index.ts'
import type { Routes } from './routes.ts'

/**
 * What a client is told about a request that was not answered.
 * @param refusal why some workers could never serve it
 */
export function endingError(
  ending: Exclude<Ending, { how: 'done' }>,
  routes: Routes,
  batchErrors: ReadonlyMap<number, TandemError>,
  workerErrors: ReadonlyMap<string, TandemError>,
  refusal: TandemError | undefined,
): TandemError {
  switch (ending.how) {
    case 'cancelled':
      return new TandemError('CANCELLED')
    case 'shuttingDown':
      return new TandemError('SHUTTING_DOWN')
    case 'deadline': {
      const { ms, awaits } = ending
      const away = awaits === undefined ? undefined : awayText(awaits, routes, workerErrors)
      return new TandemError('DEADLINE', { ms, ...(away === undefined ? {} : { away }) })
    }
    case 'queueFull': {
      const { lane, waiting, retryAfterS } = ending
      const device = routes.byId(lane)?.workers[0]?.placement.device ?? lane
      return new TandemError('QUEUE_FULL', { device, waiting }, { retryAfterS })
    }
    case 'unserved': {
      return (
        whyGone(ending.lane, routes, workerErrors) ?? new TandemError('TASK_UNSERVED', { task: ending.lane })
      )
    }
    case 'unable': {
      const { lane, cannot } = ending
      const gone = whyGone(lane, routes, workerErrors, cannot)
      return gone ?? refusal ?? new TandemError('TASK_UNSERVED', { task: lane })
    }
    case 'failed': {
      const error = batchErrors.get(ending.batch) ?? workerErrors.get(ending.worker)
      return error ?? new TandemError('WORKER_LOST', { worker: ending.worker, why: 'unknown' })
    }
    default:
      return ending satisfies never
  }
}

/** @param but workers that are not asked */
function whyGone(
  lane: string,
  routes: Routes,
  workerErrors: ReadonlyMap<string, TandemError>,
  but: readonly string[] = [],
): TandemError | undefined {
  for (const { worker } of routes.byId(lane)?.workers ?? []) {
    const error = but.includes(worker.id) ? undefined : workerErrors.get(worker.id)
    if (error) return error
  }
  return undefined
}

/** What a request waited for in vain. */
function awayText(
  id: string,
  routes: Routes,
  workerErrors: ReadonlyMap<string, TandemError>,
): string | undefined {
  const worker = routes.all.flatMap(({ workers }) => workers).find((each) => each.worker.id === id)?.worker
  if (!worker) return undefined
  const { engine, device } = worker.placement
  const why = workerErrors.get(id)?.message
  return `${engine} on ${device} is ${worker.state}${why === undefined ? '' : `: ${why}`}`
}
