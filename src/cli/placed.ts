import type { Config } from '../config/index.ts'
import { nearestNames } from '../config/index.ts'
import { ENGINE_IDS, type EngineId, type Task } from '../domain/index.ts'
import type { PlanDocument, StatusDocument } from './client/documents.ts'
import { CommandError, UsageError } from './failure.ts'
import { text } from './options.ts'

/** For commands whose work can be sent to one engine and device. */
export const placementOptions = {
  engine: text('<engine>', `run it on this engine and no other: ${ENGINE_IDS.join(', ')}`),
  device: text('<device>', "the engine's device, e.g. cpu, NPU, GPU.1, HETERO:GPU.1,CPU; with --engine"),
}

/** An engine, and perhaps a device, that a command insists on. */
export interface Placed {
  readonly task: Task
  readonly engine: EngineId
  readonly device?: string
}

/** @throws UsageError for an unknown engine, or a device alone */
export function placedBy(
  task: Task,
  { engine, device }: { readonly engine: string | undefined; readonly device: string | undefined },
): Placed | undefined {
  if (engine === undefined) {
    if (device === undefined) return undefined
    throw new UsageError('--device needs --engine: devices have their names by the engine')
  }
  const known = knownEngine(engine)
  if (device !== undefined && !/^\S+$/.test(device))
    throw new UsageError(`"${device}" is no device; e.g. cpu, NPU, HETERO:GPU.1,CPU`)
  return { task, engine: known, ...(device === undefined ? {} : { device }) }
}

/** @throws UsageError with the nearest name */
export function knownEngine(name: string): EngineId {
  const known = ENGINE_IDS.find((id) => id === name)
  if (known) return known
  const [nearest] = nearestNames(name, ENGINE_IDS)
  const meant = nearest ? `did you mean ${nearest}? ` : ''
  throw new UsageError(`there is no engine "${name}"; ${meant}allowed: ${ENGINE_IDS.join(', ')}`)
}

/** The configuration that places a task there. */
export function withPlaced(config: Config, { task, engine, device }: Placed): Config {
  const pin = device === undefined ? engine : `${engine}@${device}`
  return { ...config, placement: { ...config.placement, [task]: pin } }
}

/** Whether a server serves the task there: by its plan, and by a worker that answers. */
export function servesPlaced({ tasks }: PlanDocument, { workers }: StatusDocument, placed: Placed): boolean {
  const [first] = tasks[placed.task] ?? []
  if (!first || !isPlaced(first, placed)) return false
  const worker = workers.find((each) => each.task === placed.task && isPlaced(each, placed))
  return worker?.state === 'ready' || worker?.state === 'busy'
}

interface Served {
  readonly engine: string
  readonly device: string
}

function isPlaced(served: Served, { engine, device }: Placed): boolean {
  return served.engine === engine && (device === undefined || isSame(served.device, device))
}

function isSame(device: string, asked: string): boolean {
  return device.toLowerCase() === asked.toLowerCase()
}

/**
 * An answer as the command asked for it, its device in the asker's spelling.
 * @throws CommandError when another engine or device gave it
 */
export function asPlaced<T extends Served & { readonly fallback: string | undefined }>(
  answer: T,
  placed: Placed | undefined,
): T {
  if (!placed) return answer
  const { task, engine, device = answer.device } = placed
  if (isPlaced(answer, placed)) return { ...answer, device }
  const why = answer.fallback === undefined ? '' : ` (${answer.fallback})`
  throw new CommandError(
    `${task} by ${engine} on ${device} was not possible: ${answer.engine} on ${answer.device} answered${why}`,
  )
}

/**
 * @throws UsageError with the plan's reason when the task could not be placed there: such a device is not here
 */
export function checkPlaced({ tasks, rejected }: PlanDocument, { task, engine, device }: Placed): void {
  if ((tasks[task] ?? []).length > 0) return
  const reason = rejected.find((each) => each.task === task && each.engine === engine)?.reason
  if (reason === undefined)
    throw new CommandError(`no model serves ${task}`, '`tandem models` lists what there is')
  const where = device === undefined ? engine : `${engine} on ${device}`
  throw new UsageError(`${task} cannot run by ${where}: ${reason}`, '`tandem devices` lists what is here')
}
