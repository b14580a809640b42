import type { PlannedPlacement } from '../domain/index.ts'
import type { LaneSpec, Limits } from './core/index.ts'
import type { Routes } from './routes.ts'

/** A model of so many parameters takes the limits' batches; a larger one so much smaller ones, for they last as long. */
const FULL_BATCH_PARAMETERS = 100e6
const MIN_BATCH_TOKENS = 512

/** What the core must know of a plan. */
export function lanesOf(routes: Routes, limits: Limits): LaneSpec[] {
  return routes.all.map((route) => ({
    id: route.id,
    merges: route.task !== 'chat',
    proves: route.task === 'embed',
    batchTokens: batchTokensOf(routes.model(route.model)?.parameters ?? 0, limits),
    workers: route.workers.map(({ worker, placement }) => ({
      id: worker.id,
      overflow: placement.role === 'overflow',
      givesWay: worker.background,
      excludes: excludedBy(placement, routes),
    })),
  }))
}

/** Workers whose models the plan loads in turns with this one's. */
function excludedBy({ swapsWith = [] }: PlannedPlacement, routes: Routes): string[] {
  const running = new Set(routes.all.flatMap(({ workers }) => workers.map(({ worker }) => worker.id)))
  return swapsWith.filter((id) => running.has(id))
}

function batchTokensOf(parameters: number, { batchTokens }: Limits): number {
  const share = Math.min(1, FULL_BATCH_PARAMETERS / Math.max(1, parameters))
  return Math.max(Math.min(MIN_BATCH_TOKENS, batchTokens), Math.floor(batchTokens * share))
}
