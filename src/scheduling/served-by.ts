import type { ServedBy } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { Route } from './routes.ts'

/**
 * What an answer of this worker says about it.
 * @param reason why an earlier placement of the plan does not serve; absent where it is the first
 */
export function servedBy(route: Route, worker: Worker, reason?: string): ServedBy {
  const { model, engine, device, simulated } = worker.placement
  const { insteadOf } = route.workers.find((each) => each.worker === worker)?.placement ?? {}
  const asked = insteadOf && `${insteadOf.engine}${insteadOf.device && ` on ${insteadOf.device}`}`
  const told = [asked && `${asked}: ${insteadOf.reason}`, reason].filter((text) => text !== undefined)
  return { model, engine, device, simulated, ...(told.length > 0 ? { fallback: told.join('; ') } : {}) }
}
