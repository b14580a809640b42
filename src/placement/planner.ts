import {
  type Device,
  type EngineDescriptor,
  type EngineId,
  type Model,
  type ModelFormat,
  type Plan,
  type PlannedPlacement,
  type Policy,
  type RejectedPlacement,
  sameDeviceName,
  type Task,
} from '../domain/index.ts'
import { engineDevice, findPinned, type Pin } from './pin.ts'

export interface PlannerInput {
  readonly policy: Policy
  readonly devices: readonly Device[]
  /** Engines in order of preference where several could serve a task. */
  readonly engines: readonly EngineDescriptor[]
  /** The model chosen for each task. */
  readonly models: Readonly<Partial<Record<Task, Model>>>
  /** Where the user wants a task; the placement that would serve without is the fallback. */
  readonly pins?: Readonly<Partial<Record<Task, Pin>>>
  /** Why an engine has no devices, where that is known. */
  readonly problems?: Readonly<Partial<Record<EngineId, string>>>
  /** A pinned task gets no fallback: who asks for a device wants that one or an error. */
  readonly exclusive?: boolean
}

/**
 * Decides where each task runs, with reasons. Until placements are measured it follows rules of thumb: on each device the first
 * engine that reads the model; devices in their order, what is pinned before them all.
 */
export function makePlan(input: PlannerInput): Plan {
  const tasks: Partial<Record<Task, readonly PlannedPlacement[]>> = {}
  const rejected: RejectedPlacement[] = []
  for (const [task, model] of Object.entries(input.models) as [Task, Model][]) {
    const pin = input.pins?.[task]
    const pinned = pin && placePinned(task, model, pin, input)
    const unmet = pinned && 'reason' in pinned ? pinned : undefined
    const first = pinned && 'reasons' in pinned ? pinned : undefined
    if (unmet) rejected.push(unmet)
    const alone = input.exclusive === true && pin !== undefined
    const others = alone ? [] : placeByRule(task, model, input, rejected)
    const rest = first ? fallbackOf(first, others, input.devices) : others
    const list = unmet ? rest.map((each) => standIn(each, unmet)) : first ? [first, ...rest] : rest
    tasks[task] = list.map((each, index) => ({ ...each, role: index === 0 ? 'primary' : 'fallback' }))
  }
  const simulated = Object.values(tasks).some((list) => list.some((p) => p.simulated))
  return { policy: input.policy, simulated, tasks, rejected }
}

/** What fails with its engine shall not take the fallback with it: another engine's placement before another device's. */
function fallbackOf(
  pinned: Candidate,
  others: readonly Candidate[],
  devices: readonly Device[],
): readonly Candidate[] {
  const known = (candidate: Candidate) => engineDevice(candidate, devices)
  const left = others.filter(
    (each) => each.engine !== pinned.engine || !sameDeviceName(known(each), known(pinned)),
  )
  const fallback = left.find((each) => each.engine !== pinned.engine) ?? left[0]
  return fallback ? [fallback] : []
}

type Candidate = Omit<PlannedPlacement, 'role'>

function standIn(candidate: Candidate, { engine, device, reason }: RejectedPlacement): Candidate {
  const reasons = [`stands in for ${whereOf(engine, device)}: ${reason}`, ...candidate.reasons]
  return { ...candidate, reasons, insteadOf: { engine, device, reason } }
}

function whereOf(engine: string, device: string): string {
  return device === '' ? engine : `${engine} on ${device}`
}

function placePinned(
  task: Task,
  model: Model,
  pin: Pin,
  { engines, devices, problems }: PlannerInput,
): Candidate | RejectedPlacement {
  const engine = engines.find((each) => each.id === pin.engine)
  const where = { task, model: model.id, engine: pin.engine }
  const reject = (reason: string, device = pin.device ?? '') => ({ ...where, device, reason })
  if (!engine) return reject(`${pin.engine} is no engine that runs here`)
  const found = findPinned(pin, engine, devices, problems?.[engine.id])
  if ('reason' in found) return reject(found.reason)
  const format = readableFormat(task, model, engine)
  if ('reason' in format) return reject(format.reason, found.device)
  const { device, kind, simulated, title } = found
  const reasons = [
    `${pin.by ?? `placement.${task}`} asks for ${pin.engine}${pin.device === undefined ? '' : `@${pin.device}`}`,
    `${engine.title} reads the model's ${format.format} files and runs on ${title}`,
  ]
  return { ...where, device, kind, simulated, reasons }
}

function placeByRule(
  task: Task,
  model: Model,
  { engines, devices }: PlannerInput,
  rejected: RejectedPlacement[],
): Candidate[] {
  const candidates: Candidate[] = []
  for (const device of devices) {
    for (const engine of engines) {
      const verdict = judge(task, model, engine, device)
      const where = { task, model: model.id, engine: engine.id, device: device.id }
      const first = candidates.find((each) => each.device === device.id)
      if ('reason' in verdict) rejected.push({ ...where, reason: verdict.reason })
      else if (first)
        rejected.push({
          ...where,
          reason: `${first.engine} serves ${task} on ${device.name}; \`placement.${task}: ${engine.id}\` chooses ${engine.title} instead (neither is measured yet)`,
        })
      else
        candidates.push({
          ...where,
          kind: device.kind,
          simulated: device.simulated,
          reasons: [
            `${engine.title} reads the model's ${verdict.format} files and runs on ${device.name}`,
            'not measured yet: chosen by rule of thumb',
          ],
        })
    }
  }
  return candidates
}

type Verdict = { readonly format: ModelFormat } | { readonly reason: string }

function judge(task: Task, model: Model, engine: EngineDescriptor, device: Device): Verdict {
  const readable = readableFormat(task, model, engine)
  if ('reason' in readable) return readable
  if (!engine.devices.includes(device.kind) || device.engines[engine.id] === undefined)
    return { reason: `${engine.title} does not run on ${device.name} here` }
  if (device.software) return { reason: `${device.name} is computed by the CPU, which is faster without it` }
  const bytes = (model.files[readable.format] ?? []).reduce((sum, file) => sum + file.sizeBytes, 0)
  if (device.memoryBytes !== undefined && bytes > device.memoryBytes)
    return { reason: `does not fit: ${bytes} bytes of weights, ${device.memoryBytes} bytes of memory` }
  return readable
}

function readableFormat(task: Task, model: Model, engine: EngineDescriptor): Verdict {
  if (!engine.tasks.includes(task)) return { reason: `${engine.title} does not serve ${task}` }
  const format = engine.formats.find((f) => model.files[f] !== undefined)
  if (format !== undefined) return { format }
  return {
    reason: `${engine.title} reads ${engine.formats.join(', ')}; the model has ${Object.keys(model.files).join(', ')}`,
  }
}
