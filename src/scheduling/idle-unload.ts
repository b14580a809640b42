import type { Knowledge } from '../calibration/index.ts'
import { type PlannedPlacement, placementId } from '../domain/index.ts'
import { policyNamed } from '../placement/index.ts'
import type { Conductor } from './conductor.ts'
import type { ManagedServing } from './contract.ts'
import { isOursToUnload } from './own-models.ts'
import type { Residency } from './residency.ts'

interface IdleUnload {
  readonly conductor: Conductor
  readonly serving: ManagedServing
  readonly knowledge: Knowledge
  /** When a worker was first seen ready since it was loaded, by its id. */
  readonly readySinceMs: Map<string, number>
  /** What clients hold. */
  readonly residency: Pick<Residency, 'heldMs'>
}

/**
 * Unloads chat models that nobody has asked for as long as the policy says, on GPUs and on servers whose user lets Tandem manage them;
 * the next request loads them again.
 */
export function unloadIdle(
  { conductor, serving, knowledge, readySinceMs, residency }: IdleUnload,
  nowMs: number,
): void {
  const { config, devices } = knowledge.survey
  const { placement } = config
  const { unloadIdleS } = policyNamed(placement.policy, placement.policies)
  if (unloadIdleS === 0) return
  for (const planned of (conductor.plan.tasks.chat ?? []) as readonly PlannedPlacement[]) {
    const id = placementId(planned)
    const worker = conductor.running(id)?.worker
    const isOwnCpu = planned.kind === 'cpu' && !devices.find(({ id }) => id === planned.device)?.server
    if (
      isOwnCpu ||
      !isOursToUnload(planned, devices) ||
      !worker?.info ||
      residency.heldMs(planned.model) > 0
    ) {
      readySinceMs.delete(id)
      continue
    }
    const since = readySinceMs.get(id) ?? nowMs
    readySinceMs.set(id, since)
    if (nowMs - Math.max(since, serving.lastUsedMs(id)) >= unloadIdleS * 1000) worker.rest()
  }
}
