import type { Device } from '../../domain/index.ts'
import type { Look } from './look.ts'

/** Where looks come from; one look at all its devices. */
export interface LoadSource {
  /** Looks by device id; a device that it knows nothing of is absent. */
  look(devices: readonly Device[]): Promise<ReadonlyMap<string, Look>>
  /** Its looks tell the load at once: a second one adds nothing. */
  readonly once?: boolean
}
