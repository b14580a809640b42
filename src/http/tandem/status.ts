import type { ProjectStatus, WorkerStatus } from '../../domain/index.ts'
import type { ServerEvent, WorkerHistory } from '../../telemetry/index.ts'
import type { HttpDeps } from '../deps.ts'

/** What runs and what is indexed, right now. */
export interface Status {
  readonly version: string
  readonly ready: boolean
  /** It runs on simulated devices: no answer comes from a model. */
  readonly simulated: boolean
  readonly workers: readonly (WorkerStatus & WorkerHistory)[]
  readonly projects: readonly ProjectStatus[]
  /** The last things that happened to workers and requests, the newest at the end. */
  readonly events: readonly ServerEvent[]
}

/** Events that the status shows. */
const SHOWN = 10

export function statusOf({ version, isReady, plan, serving, telemetry, projects }: HttpDeps): Status {
  return {
    version,
    ready: isReady(),
    simulated: plan().simulated,
    workers: serving.workers().map((worker) => ({ ...worker, ...telemetry.workerHistory(worker.id) })),
    projects: projects?.list() ?? [],
    events: telemetry.events.recent().slice(-SHOWN),
  }
}
