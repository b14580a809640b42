import { type Device, placementId, placementsOf } from '../domain/index.ts'
import type { Conductor } from './conductor.ts'
import { isOursToUnload } from './own-models.ts'

/** What clients wish of a chat model's place in memory. Encoders stay: indexes are kept with them. */
export interface Residency {
  /**
   * The model is not unloaded for being idle until then; memory that others need goes first all the same.
   * @param ms milliseconds from now; Infinity: as long as the server runs
   */
  hold(model: string, ms: number): void
  /**
   * Unloads a model that nobody asks anything of; the next request loads it again.
   * @returns whether any of it was unloaded; what another server has loaded stays as it is
   */
  unload(model: string): boolean
  /** Milliseconds that the model is still held; 0: it is not. */
  heldMs(model: string): number
}

/**
 * @param devices of the machine and its servers, as they are now
 * @param now milliseconds of a clock that only goes forward
 */
export function createResidency(
  conductor: Pick<Conductor, 'plan' | 'running'>,
  devices: () => readonly Device[],
  now: () => number = () => performance.now(),
): Residency {
  /** One entry for each model that was ever held: clients can only name those of the catalogue. */
  const heldUntilMs = new Map<string, number>()
  return {
    hold: (model, ms) => void heldUntilMs.set(model, now() + ms),

    unload(model) {
      heldUntilMs.delete(model)
      const own = placementsOf(conductor.plan).filter(
        (each) => each.task === 'chat' && each.model === model && isOursToUnload(each, devices()),
      )
      const rested = own.filter((each) => conductor.running(placementId(each))?.worker.rest())
      return rested.length > 0
    },

    heldMs: (model) => Math.max(0, (heldUntilMs.get(model) ?? 0) - now()),
  }
}
