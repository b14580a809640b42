import type { Knowledge } from '../calibration/index.ts'
import { placementId, placementsOf } from '../domain/index.ts'
import { chooseUnload } from '../placement/index.ts'
import type { Conductor } from './conductor.ts'
import type { ManagedServing } from './contract.ts'

/** Below the first share of its memory the system is about to swap; as much as the second is made free. */
const SHORT = 0.04
const ENOUGH = 0.08

interface Relief {
  readonly conductor: Conductor
  readonly serving: ManagedServing
  readonly knowledge: Knowledge
  readonly log: { warn(message: string): void }
}

/**
 * Unloads models while the system's memory is short, least recently used first: never one that answers, that is pinned, or the
 * encoder that an index is kept with. Each loads again when it is needed.
 * @param freeBytes of the system's memory, now
 */
export function relieveMemory(relief: Relief, freeBytes: number, totalBytes: number): void {
  if (freeBytes >= SHORT * totalBytes) return
  const { conductor, serving, knowledge, log } = relief
  const { pins } = knowledge.survey
  const running = new Map(serving.workers().map((worker) => [worker.id, worker.running]))
  const loaded = placementsOf(conductor.plan).flatMap((placement) => {
    const id = placementId(placement)
    const { task, role, device, memory } = placement
    if (!conductor.running(id)?.worker.info) return []
    return {
      id,
      bytes: memory?.hostBytes ?? 0,
      lastUsedMs: serving.lastUsedMs(id),
      running: running.get(id) ?? 0,
      pinned: pins[task]?.device === device,
      liveIndex: task === 'embed' && role === 'primary',
    }
  })
  const movable = loaded.filter((each) => !each.pinned && !each.liveIndex && each.running === 0)
  const most = movable.reduce((sum, { bytes }) => sum + bytes, 0)
  const choice = chooseUnload(loaded, Math.min(ENOUGH * totalBytes, freeBytes + most), freeBytes)
  if (!choice.possible) return
  const rested = choice.unload.filter(({ id }) => conductor.running(id)?.worker.rest()).map(({ id }) => id)
  if (rested.length > 0) log.warn(`the system's memory is short: ${rested.join(', ')} unloaded until needed`)
}
