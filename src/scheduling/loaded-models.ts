import type { Knowledge } from '../calibration/index.ts'
import { type PlannedPlacement, placementId, placementsOf } from '../domain/index.ts'
import { chooseUnload, type LoadedModel } from '../placement/index.ts'
import type { Conductor } from './conductor.ts'
import type { ManagedServing } from './contract.ts'

export interface MemoryOwner {
  readonly conductor: Conductor
  readonly serving: ManagedServing
  readonly knowledge: Knowledge
  readonly log: { warn(message: string): void }
}

/** What of the plan is loaded and answers, as far as it matters for unloading it. @param bytesOf of the memory that is short */
export function loadedModels(
  { conductor, serving, knowledge }: MemoryOwner,
  bytesOf: (placement: PlannedPlacement) => number,
): LoadedModel[] {
  const running = new Map(serving.workers().map((worker) => [worker.id, worker.running]))
  return placementsOf(conductor.plan).flatMap((planned) => {
    const id = placementId(planned)
    const found = conductor.running(id)
    if (!found?.worker.info) return []
    return {
      id,
      bytes: bytesOf(found.placement),
      lastUsedMs: serving.lastUsedMs(id),
      running: running.get(id) ?? 0,
      ...staysOf(planned, knowledge),
    }
  })
}

/** What of a placement is never unloaded for its memory's sake. */
export function staysOf(
  { task, role, device }: Pick<PlannedPlacement, 'task' | 'role' | 'device'>,
  { survey }: Knowledge,
): { readonly pinned: boolean; readonly liveIndex: boolean } {
  return {
    pinned: survey.pins[task]?.device === device,
    liveIndex: task === 'embed' && role === 'primary',
  }
}

/** What must go so that `needBytes` are free, or as much of them as can be. */
export function leastUsed(
  loaded: readonly LoadedModel[],
  needBytes: number,
  freeBytes: number,
): readonly LoadedModel[] {
  const movable = loaded.filter((each) => !each.pinned && !each.liveIndex && each.running === 0)
  const most = movable.reduce((sum, { bytes }) => sum + bytes, 0)
  const choice = chooseUnload(loaded, Math.min(needBytes, freeBytes + most), freeBytes)
  return choice.possible ? choice.unload : []
}

/** Unloads models that nothing is asked of now. @returns those that rest */
export function restAll(conductor: Conductor, models: readonly LoadedModel[]): string[] {
  return models.filter(({ id }) => conductor.running(id)?.worker.rest()).map(({ id }) => id)
}
