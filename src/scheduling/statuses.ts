import { PRIORITIES, type QueueDepth, type TandemError, type WorkerStatus } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { State } from './core/index.ts'
import type { Route } from './routes.ts'

/** What waits in a lane is shown at the worker that would take it: the first ready one, else the first. */
export function workerStatuses(
  workers: readonly Worker[],
  state: State,
  errors: ReadonlyMap<string, TandemError>,
): WorkerStatus[] {
  return workers.map((worker) => {
    const lane = state.lanes.get(state.seats.get(worker.id)?.lane ?? '')
    const taker = lane?.workers.find((id) => state.seats.get(id)?.ready) ?? lane?.workers[0]
    const batches = [...state.batches.values()].filter(
      (batch) => batch.worker === worker.id && !batch.settled,
    )
    const running = new Set(batches.flatMap((batch) => batch.parts.map((part) => part.request)))
    const { task, model, engine, device, simulated } = worker.placement
    const answers = worker.state === 'ready' || worker.state === 'busy'
    const error = answers ? undefined : errors.get(worker.id)
    const { loading } = worker
    const swapsWith = state.seats.get(worker.id)?.excludes ?? []
    const why = worker.resting ? restsBecause(modelsOf(swapsWith, workers)) : error?.message
    return {
      id: worker.id,
      task,
      model,
      engine,
      device,
      simulated,
      ...(worker.info?.pid === undefined ? {} : { pid: worker.info.pid }),
      state: worker.state,
      ...(loading ? { loading: { ...loading, ms: Math.round(loading.ms) } } : {}),
      queued: lane && taker === worker.id ? lane.waiting.interactive + lane.waiting.bulk : 0,
      running: running.size,
      ...(simulated ? {} : { threads: worker.threads }),
      ...(why === undefined ? {} : { error: why }),
      ...(swapsWith.length > 0 ? { swapsWith } : {}),
    }
  })
}

function modelsOf(ids: readonly string[], workers: readonly Worker[]): string[] {
  return workers.flatMap(({ id, placement }) => (ids.includes(id) ? [placement.model] : []))
}

function restsBecause(swapsWith: readonly string[]): string {
  const instead = swapsWith.length > 0 ? `, instead of ${swapsWith.join(' or ')}` : ''
  return `unloaded, it loads again when it is needed${instead}`
}

export function queueDepths(routes: readonly Route[], state: State): QueueDepth[] {
  const running = state.requests.values().filter((request) => request.running > 0)
  return routes.flatMap(({ id, task, model }) =>
    PRIORITIES.map((priority) => {
      const own = running.filter((request) => request.lane === id && request.priority === priority)
      const waiting = state.lanes.get(id)?.waiting[priority] ?? 0
      return { task, model, priority, waiting, running: own.length }
    }),
  )
}
