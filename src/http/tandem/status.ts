import type { Device, ProjectStatus, WorkerStatus } from '../../domain/index.ts'
import type { ServerEvent, WorkerHistory } from '../../telemetry/index.ts'
import type { HttpDeps } from '../deps.ts'

/** Of a worker of an adopted server: whether that has the model in memory, when it was last looked at; absent: it does not tell. */
interface LoadedThere {
  readonly loaded?: boolean
}

/** What runs and what is indexed, right now. */
export interface Status {
  readonly version: string
  readonly ready: boolean
  /** It runs on simulated devices: no answer comes from a model. */
  readonly simulated: boolean
  readonly workers: readonly (WorkerStatus & WorkerHistory & LoadedThere)[]
  readonly projects: readonly ProjectStatus[]
  /** The last things that happened to workers and requests, the newest at the end. */
  readonly events: readonly ServerEvent[]
}

/** Events that the status shows. */
const SHOWN = 10

export function statusOf({
  version,
  isReady,
  plan,
  serving,
  telemetry,
  projects,
  devices,
}: HttpDeps): Status {
  return {
    version,
    ready: isReady(),
    simulated: plan().simulated,
    workers: serving.workers().map((worker) => ({
      ...worker,
      ...loadedThere(worker, devices()),
      ...telemetry.workerHistory(worker.id),
    })),
    projects: projects?.list() ?? [],
    events: telemetry.events.recent().slice(-SHOWN),
  }
}

function loadedThere({ task, model, device }: WorkerStatus, devices: readonly Device[]): LoadedThere {
  const { server } = devices.find(({ id }) => id === device) ?? {}
  const served = server?.models.find((each) => each.task === task && each.model === model)
  return served?.loaded === undefined ? {} : { loaded: served.loaded }
}
