import type { ProjectStatus, WorkerStatus } from '../../domain/index.ts'
import type { HttpDeps } from '../deps.ts'

/** What runs and what is indexed, right now. */
export interface Status {
  readonly version: string
  readonly ready: boolean
  /** It runs on simulated devices: no answer comes from a model. */
  readonly simulated: boolean
  readonly workers: readonly WorkerStatus[]
  readonly projects: readonly ProjectStatus[]
}

export function statusOf(deps: HttpDeps): Status {
  return {
    version: deps.version,
    ready: deps.isReady(),
    simulated: deps.plan().simulated,
    workers: deps.serving.workers(),
    projects: deps.projects?.list() ?? [],
  }
}
