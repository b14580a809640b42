import { leastUsed, loadedModels, type MemoryOwner, restAll } from './loaded-models.ts'

/** Below the first share of its memory the system is about to swap; as much as the second is made free. */
const SHORT = 0.04
const ENOUGH = 0.08

/**
 * Unloads models while the system's memory is short, least recently used first: never one that answers, that is pinned, or the
 * encoder that an index is kept with. Each loads again when it is needed.
 * @param freeBytes of the system's memory, now
 */
export function relieveMemory(relief: MemoryOwner, freeBytes: number, totalBytes: number): void {
  if (freeBytes >= SHORT * totalBytes) return
  const loaded = loadedModels(relief, ({ memory }) => memory?.hostBytes ?? 0)
  const rested = restAll(relief.conductor, leastUsed(loaded, ENOUGH * totalBytes, freeBytes))
  if (rested.length > 0)
    relief.log.warn(`the system's memory is short: ${rested.join(', ')} unloaded until needed`)
}
