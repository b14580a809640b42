import type { Taken } from '../devices/index.ts'
import type { Device } from '../domain/index.ts'
import { heldOn, type Others, othersAfter, type Resident, roomBeside } from '../placement/index.ts'
import { leastUsed, loadedModels, type MemoryOwner, restAll, staysOf } from './loaded-models.ts'

const GIB = 1024 ** 3
/** Below the first share of its memory a driver moves models out of it; as much as the second is made free. */
const SHORT = 0.01
const ENOUGH = 0.04
/** A plan is made anew when another share of the memory can be given out than it was made with. */
const NEWS = 0.01

/** A device with memory of its own whose size is known. */
type Card = Device & { readonly memoryBytes: number }

/**
 * Answers what other programs take of the devices' own memory: rests models that nobody asks where it is short, and has a plan made
 * in which nothing is loaded that does not fit. Answers that run are written to their end.
 */
export class DeviceMemory {
  readonly #owner: MemoryOwner
  readonly #others = new Map<string, Others>()
  /** Taken at the first look by programs that cannot be seen. */
  readonly #hidden = new Map<string, number>()

  constructor(owner: MemoryOwner) {
    this.#owner = owner
  }

  /** @param taken of devices by id, as far as it is known */
  look(taken: ReadonlyMap<string, Taken>, nowMs: number): void {
    const { conductor, knowledge } = this.#owner
    const news: string[] = []
    for (const device of knowledge.survey.devices) {
      const found = taken.get(device.id)
      if (!found || !isCard(device)) continue
      const bytes = this.#othersOf(device, found)
      if (bytes === undefined) continue
      this.#relieve(device, bytes)
      const others = othersAfter(this.#others.get(device.id), bytes, nowMs)
      this.#others.set(device.id, others)
      const freeBytes = roomBeside(device.memoryBytes, others.bytes, this.#residentsOf(device))
      if (!isNews(device, freeBytes)) continue
      knowledge.noteMemory(device.id, freeBytes, others.bytes)
      news.push(
        `other programs have ${gib(others.bytes)} GiB of ${device.id}'s ${gib(device.memoryBytes)} GiB`,
      )
    }
    // what was unloaded for it is loaded as it fits now
    if (news.length > 0) conductor.replan(news.join('; '))
  }

  /** What other programs have; undefined: nobody tells. */
  #othersOf(device: Card, { usedBytes, othersBytes, partial }: Taken): number | undefined {
    if (othersBytes === undefined)
      // one that restarts may have its memory or not: what is not another's for certain is ours
      return usedBytes && Math.max(0, usedBytes - this.#ownOn(device))
    if (!partial) return othersBytes
    const { id, memoryBytes, freeBytes = memoryBytes } = device
    const hidden = this.#hidden.get(id) ?? Math.max(0, memoryBytes - freeBytes - othersBytes)
    this.#hidden.set(id, hidden)
    return hidden + othersBytes
  }

  /** What our workers have, or may have. */
  #ownOn(device: Device): number {
    const { conductor, knowledge } = this.#owner
    return conductor.workers().reduce((sum, { id }) => {
      const running = conductor.running(id)
      if (!running || running.worker.resting) return sum
      return sum + heldOn(device, running.placement, knowledge.survey.devices)
    }, 0)
  }

  #residentsOf(device: Device): Resident[] {
    const { conductor, knowledge } = this.#owner
    return conductor.workers().flatMap(({ id, state }): Resident[] => {
      const running = conductor.running(id)
      if (!running || !(state === 'starting' || state === 'ready' || state === 'busy')) return []
      const { pinned, liveIndex } = staysOf(running.placement, knowledge)
      const bytes = heldOn(device, running.placement, knowledge.survey.devices)
      return [{ bytes, stays: pinned || liveIndex }]
    })
  }

  #relieve(device: Card, othersBytes: number): void {
    const { conductor, knowledge, log } = this.#owner
    const { id, memoryBytes } = device
    const freeBytes = memoryBytes - othersBytes - this.#ownOn(device)
    if (freeBytes >= SHORT * memoryBytes) return
    const loaded = loadedModels(this.#owner, (each) => heldOn(device, each, knowledge.survey.devices))
    const rested = restAll(conductor, leastUsed(loaded, ENOUGH * memoryBytes, freeBytes))
    if (rested.length > 0)
      log.warn(
        `the memory of ${id} is short, other programs have ${gib(othersBytes)} GiB of ${gib(memoryBytes)}: ${rested.join(', ')} unloaded until needed`,
      )
  }
}

function isCard(device: Device): device is Card {
  return device.memoryBytes !== undefined
}

function isNews({ freeBytes, memoryBytes }: Card, now: number): boolean {
  return Math.abs((freeBytes ?? memoryBytes) - now) > NEWS * memoryBytes
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(1)
}
