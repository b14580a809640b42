import type { Knowledge } from '../calibration/index.ts'
import { type PlacementRef, type PlannedPlacement, placementId } from '../domain/index.ts'
import { chooseUnload, deviceOf } from '../placement/index.ts'
import type { Conductor, Refusal } from './conductor.ts'
import type { ManagedServing } from './contract.ts'

/** Below the first share of its memory the system is about to swap; above the second there is room again. */
const SHORT = 0.04
const ENOUGH = 0.08

const NOT_NOW = "not loaded: the system's memory was short; it may be when there is room"
const REASON = "unloaded: the system's memory was short; it comes back when there is room"

interface Relief {
  readonly conductor: Conductor
  readonly serving: ManagedServing
  readonly knowledge: Knowledge
  readonly log: { warn(message: string): void }
}

/**
 * Unloads what stands behind the first placements, least recently used first, while the system's memory is short, and takes it
 * back when there is room again. The first placement of a model stays: nothing else serves it.
 * @param freeBytes of the system's memory, now
 */
export function relieveMemory(relief: Relief, freeBytes: number, totalBytes: number): void {
  if (freeBytes < SHORT * totalBytes) unload(relief, freeBytes, ENOUGH * totalBytes)
  else takeBack(relief, freeBytes - ENOUGH * totalBytes)
}

function unload({ conductor, serving, knowledge, log }: Relief, freeBytes: number, needBytes: number): void {
  const { pins } = knowledge.survey
  const running = new Map(serving.workers().map((worker) => [worker.id, worker.running]))
  const behind = placementsOf(conductor).filter(({ role }) => role !== 'primary')
  const loaded = behind.map((placement) => {
    const id = placementId(placement)
    return {
      id,
      bytes: placement.memory?.hostBytes ?? 0,
      lastUsedMs: serving.lastUsedMs(id),
      running: running.get(id) ?? 0,
      pinned: pins[placement.task]?.device === placement.device,
    }
  })
  const most = loaded.reduce((sum, { bytes, pinned }) => sum + (pinned ? 0 : bytes), 0)
  const choice = chooseUnload(loaded, Math.min(needBytes, freeBytes + most), freeBytes)
  if (!choice.possible || choice.unload.length === 0) return
  const ids = new Set(choice.unload.map(({ id }) => id))
  log.warn(`the system's memory is short: ${[...ids].join(', ')} unloaded`)
  const unloaded = behind.filter((each) => ids.has(placementId(each)))
  conductor.refuse(
    [
      ...unloaded.map((each) => ({ ...refOf(each), reason: REASON, needBytes: each.memory?.hostBytes ?? 0 })),
      ...notLoaded(conductor, knowledge).map((ref) => ({ ...ref, reason: NOT_NOW })),
    ],
    "the system's memory is short",
  )
}

/** What the plan would load instead of what was unloaded. */
function notLoaded(conductor: Conductor, knowledge: Knowledge): PlacementRef[] {
  // a pinned placement calls its device as the user does
  const byId = (ref: PlacementRef): string =>
    JSON.stringify({ ...refOf(ref), device: deviceOf(ref, knowledge.survey.devices)?.id ?? ref.device })
  const planned = new Set(placementsOf(conductor).map(byId))
  const possible = knowledge.candidates().map(({ placement }) => placement)
  return possible.filter((placement) => !planned.has(byId(placement))).map(refOf)
}

function takeBack({ conductor }: Relief, roomBytes: number): void {
  let room = roomBytes
  const unloaded = conductor.refusals.filter(({ reason }) => reason === REASON)
  const back = new Set<Refusal>()
  for (const refusal of unloaded) {
    const { needBytes = 0 } = refusal
    if (needBytes > room) continue
    back.add(refusal)
    room -= needBytes
  }
  const all = back.size === unloaded.length
  if (back.size > 0)
    conductor.replan(
      "there is room in the system's memory again",
      (each) => back.has(each) || (all && each.reason === NOT_NOW),
    )
}

function refOf({ task, model, engine, device }: PlacementRef): PlacementRef {
  return { task, model, engine, device }
}

function placementsOf({ plan }: Conductor): PlannedPlacement[] {
  return (Object.values(plan.tasks) as PlannedPlacement[][]).flat()
}
