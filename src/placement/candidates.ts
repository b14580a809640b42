import {
  type DecoderLoad,
  type Device,
  type DeviceKind,
  type EngineDescriptor,
  type Fit,
  loadedInTurns,
  type Measurement,
  type MemoryNeed,
  type Model,
  type ModelFormat,
  type Plan,
  type PolicySpec,
  placementsOf,
  type RejectedPlacement,
  type Task,
} from '../domain/index.ts'
import { type Facts, factsOf, type Known, knownAs } from './facts.ts'
import { fit as fitOn, stillFits, weightsAlone } from './fit/index.ts'
import type { PlannedModel, PlannerInput } from './input.ts'
import { type Held, Ledger, largest, sharedOut } from './memory.ts'
import { banOf, inOrder } from './named-devices.ts'
import { deviceOf, type Share } from './pin.ts'
import { listed, parameters } from './say.ts'

/** A way to serve a model's task that is possible in itself; whether it fits and is wanted is decided later. */
export interface Candidate {
  readonly task: Task
  /** Model id. */
  readonly model: string
  readonly engine: EngineDescriptor['id']
  /** Device id; of a pin its device as it was asked for. */
  readonly device: string
  readonly kind: DeviceKind
  readonly simulated: boolean
  readonly planned: PlannedModel
  readonly descriptor: EngineDescriptor
  /** Its numbers are kept by the device's id; of a virtual device by its text. */
  readonly known: Known
  /** Whose memory it takes; of a virtual device the first of its members. */
  readonly on: Device
  /** Where several devices hold the model: the part of each. */
  readonly shares?: readonly Share[]
  /** What it runs on, for a person. */
  readonly where: string
  readonly format: ModelFormat
  /** Undefined: not measured, or in vain. */
  readonly measured: Measurement | undefined
}

/** Servers that speak HTTP, adopted and managed ones. */
const SERVERS: EngineDescriptor['id'] = 'openai'

/** What the whole plan is made from, looked up once. */
export interface Scene {
  readonly input: PlannerInput
  /** In their order. */
  readonly devices: readonly Device[]
  readonly facts: Facts
  /** By device id the entry of `never` that forbids it. */
  readonly bans: ReadonlyMap<string, string>
}

export function sceneOf(input: PlannerInput): Scene {
  const devices = inOrder(input.devices)
  const banned = devices.flatMap((device) => {
    const ban = banOf(device, input.never ?? [], devices)
    return ban === undefined ? [] : [[device.id, ban] as const]
  })
  return { input, devices, facts: factsOf(input), bans: new Map(banned) }
}

/** Every engine and device that could serve the model by itself; the others with one reason each. */
export function candidatesFor(
  planned: PlannedModel,
  scene: Scene,
): { readonly candidates: readonly Candidate[]; readonly rejected: readonly RejectedPlacement[] } {
  const candidates: Candidate[] = []
  const rejected: RejectedPlacement[] = []
  const { task, model } = planned
  for (const descriptor of scene.input.engines) {
    const readable = readableFormat(task, model, descriptor)
    for (const on of scene.devices) {
      if (!concerns(on, descriptor, planned)) continue
      const reject = (reason: string) =>
        rejected.push({ task, model: model.id, engine: descriptor.id, device: on.id, reason })
      if ('reason' in readable) reject(readable.reason)
      else if (!descriptor.devices.includes(on.kind))
        reject(`${descriptor.title} runs on ${listed(descriptor.devices)} only`)
      else if (on.engines[descriptor.id] === undefined) reject(unseen(on, descriptor))
      else {
        const candidate = candidateOn(on, {
          planned,
          descriptor,
          format: readable.format,
          scene,
        })
        const against = objection(candidate, [on], scene)
        if (against === undefined) candidates.push(candidate)
        else reject(against)
      }
    }
  }
  return { candidates, rejected }
}

/**
 * What a server computes on is only a place for its own models, and these are only read there by what asks servers. A server that
 * Tandem would start itself is nothing to speak of where it cannot.
 */
function concerns(on: Device, engine: EngineDescriptor, planned: PlannedModel): boolean {
  const { task, model, onDemand } = planned
  if (!isPlaceOf(on, engine)) return false
  if (on.server) return on.server.models.some((each) => each.task === task && each.model === model.id)
  if (onDemand && model.files.remote) return false // no file of it is here
  return engine.id !== SERVERS || (on.engines[SERVERS] !== undefined && engine.tasks.includes(task))
}

/** Devices of this machine are for engines that read files, those of adopted servers for what asks them. */
export function isPlaceOf({ server }: Device, engine: EngineDescriptor): boolean {
  return (server !== undefined) === asksServers(engine)
}

/** Whether it has models only of servers that somebody else runs. */
export function asksServers({ formats }: EngineDescriptor): boolean {
  return formats.includes('remote')
}

function unseen({ name, problems = [] }: Device, { title }: EngineDescriptor): string {
  return [`${title} does not see ${name} here`, ...problems.slice(0, 1)].join(': ')
}

/** @param asked a pin's device as it was asked for, where that is another text than the id */
export function candidateOn(
  on: Device,
  {
    planned,
    descriptor,
    format,
    scene: { facts, devices },
    asked = on.id,
    where = on.name,
    isVirtual = false,
    shares = sharesOfServer(on, devices),
  }: {
    readonly planned: PlannedModel
    readonly descriptor: EngineDescriptor
    readonly format: ModelFormat
    readonly scene: Pick<Scene, 'facts' | 'devices'>
    readonly asked?: string
    readonly where?: string
    readonly isVirtual?: boolean
    readonly shares?: readonly Share[] | undefined
  },
): Candidate {
  const { task, model } = planned
  const ref = { task, model: model.id, engine: descriptor.id, device: isVirtual ? asked : on.id }
  const known = knownAs(ref)
  const found = facts.measured(known)
  return {
    task,
    model: model.id,
    engine: descriptor.id,
    device: asked,
    kind: on.kind,
    simulated: on.simulated,
    planned,
    descriptor,
    known,
    on,
    ...(shares ? { shares } : {}),
    where,
    format,
    measured: found?.failed === undefined ? found : undefined,
  }
}

/** A server that Tandem starts takes all of its memory from a device of this machine, where it is known from which. */
function sharesOfServer({ server }: Device, devices: readonly Device[]): readonly Share[] | undefined {
  const on = devices.find(({ id }) => id === server?.holds?.device)
  return on && [{ on, part: 1 }]
}

/** That it was tried in vain. */
export function failureOf(candidate: Candidate, facts: Facts): string | undefined {
  const failed = facts.measured(candidate.known)?.failed
  return failed === undefined ? undefined : `it was tried and does not run: ${failed}`
}

/** What forbids a placement, whoever asks for it; members: of a virtual device. */
export function objection(
  candidate: Candidate,
  members: readonly Device[],
  { facts, bans, input }: Scene,
): string | undefined {
  const { task, model, planned, descriptor } = candidate
  for (const on of members) {
    const { id, name, server } = on
    if (server && !concerns(on, descriptor, planned))
      return `${server.name} does not serve ${task} with ${model}`
    const ban = bans.get(id)
    if (ban !== undefined)
      return `forbidden by placement.never: ${ban}${ban === id ? '' : ` is ${id}`} (${name})`
  }
  const refused = facts.refused(candidate.known)
  if (refused !== undefined) return refused
  return tooLargeForNpu(candidate, input.policy)
}

function tooLargeForNpu({ kind, planned }: Candidate, policy: PolicySpec): string | undefined {
  const { model, task } = planned
  if (kind !== 'npu' || task !== 'chat' || model.parameters <= policy.maxNpuChatParameters) return undefined
  return `policy ${policy.name} gives an NPU chat models of ${parameters(policy.maxNpuChatParameters)} parameters at most, this one has ${parameters(model.parameters)}`
}

export function readableFormat(
  task: Task,
  model: Model,
  engine: EngineDescriptor,
): { readonly format: ModelFormat } | { readonly reason: string } {
  if (!engine.tasks.includes(task)) return { reason: `${engine.title} does not serve ${task}` }
  if (asksServers(engine)) return { format: 'remote' } // a server has the files, whatever they are
  const format = engine.formats.find((each) => model.files[each] !== undefined)
  if (format !== undefined) return { format }
  return {
    reason: `${engine.title} reads ${engine.formats.join(', ')}; the model has ${Object.keys(model.files).join(', ')}`,
  }
}

/** The memory of a server that somebody else runs is its own; the process that asks it is small. */
const NOTHING: MemoryNeed = { deviceBytes: 0, hostBytes: 0, weightBytes: 0, kvBytes: 0, computeBytes: 0 }

/** Whether it fits beside what the ledger holds already, and how. */
export function fitNow(candidate: Candidate, ledger: Ledger): Fit {
  const { planned, descriptor, on } = candidate
  if (on.server && !candidate.shares) return { fits: true, need: NOTHING, traded: [] }
  const { task, model, contextTokens, slots } = planned
  const shape = on.server?.holds ? weightsAlone(on.server.holds.weightBytes, model.parameters) : planned.shape
  const { projectorBytes, draft } = !on.server && descriptor.id === SERVERS ? planned : {}
  const cacheBytes = on.server?.holds?.cacheBytes
  const free = { ...roomOf(candidate, ledger), hostFreeBytes: ledger.hostFree }
  const holds = (need: Held) => heldBy(candidate, need).every((each) => ledger.holds(each.on, each.held))
  const known = ledger.found.get(candidate)
  if (known && stillFits(free, known.need) && holds(known.need)) return known
  const answer = fitOn({
    task,
    model,
    shape,
    engine: descriptor,
    contextTokens,
    slots,
    projectorBytes,
    draft,
    cacheBytes,
    ...free,
  })
  if (!answer.fits) return answer
  if (holds(answer.need)) {
    ledger.found.set(candidate, answer)
    return answer
  }
  const reason = `does not fit: the device and the system's memory together have no room for it`
  return { fits: false, reason }
}

/** What a placement takes of each device that it takes from. */
export function heldBy(
  { on, shares }: Pick<Candidate, 'on' | 'shares'>,
  need: Held,
): { readonly on: Device; readonly held: Held }[] {
  return shares ? sharedOut(shares, need) : [{ on, held: need }]
}

/** Of several devices that share a model the one that is full first decides how large it may be. */
function roomOf({ on, shares }: Candidate, ledger: Ledger): { device: Device; freeBytes: number } {
  const [first] = shares ?? []
  if (!shares || !first) return { device: on, freeBytes: ledger.free(on) }
  if (on.server) return { device: first.on, freeBytes: ledger.free(first.on) }
  const most = (of: (device: Device) => number | undefined) =>
    Math.min(...shares.map(({ on: each, part }) => (of(each) ?? Number.POSITIVE_INFINITY) / part))
  const memoryBytes = most((each) => each.memoryBytes)
  const { memoryBytes: _, ...rest } = on
  return {
    device: Number.isFinite(memoryBytes) ? { ...rest, memoryBytes } : rest,
    freeBytes: most((each) => ledger.free(each)),
  }
}

/** A placement that fits where nothing else is, and how. */
export interface PossiblePlacement extends Candidate {
  readonly need: MemoryNeed
  readonly load?: DecoderLoad
}

/**
 * Everything that could be placed: readable, known to the device, allowed, and fitting when alone. For calibration.
 * What a policy does not want is among it: another policy may.
 */
export function possiblePlacements(input: PlannerInput): {
  readonly candidates: readonly PossiblePlacement[]
  readonly rejected: readonly RejectedPlacement[]
} {
  const scene = sceneOf(input)
  const untouched = new Ledger(scene.devices)
  const candidates: PossiblePlacement[] = []
  const rejected: RejectedPlacement[] = []
  for (const planned of input.models) {
    const found = candidatesFor(planned, scene)
    rejected.push(...found.rejected)
    for (const candidate of found.candidates) {
      const alone = fitNow(candidate, untouched)
      if (!alone.fits) rejected.push(rejection(candidate, alone.reason))
      else candidates.push({ ...candidate, need: alone.need, ...(alone.load ? { load: alone.load } : {}) })
    }
  }
  return { candidates, rejected }
}

/** Whether a placement has room beside all that a plan has loaded. */
export function fitsBeside({ on, need }: PossiblePlacement, plan: Plan, devices: readonly Device[]): boolean {
  const ledger = new Ledger(devices)
  for (const [first, ...others] of loadedInTurns(placementsOf(plan))) {
    const device = first && deviceOf(first, devices)
    const needs = [first, ...others].flatMap((each) => each?.memory ?? [])
    if (!device || needs.length === 0) continue
    const shares = first.shares?.flatMap(({ device: id, part }) => {
      const member = devices.find((each) => each.id === id)
      return member ? [{ on: member, part }] : []
    })
    const taken = heldBy({ on: device, ...(shares ? { shares } : {}) }, largest(device, needs))
    for (const each of taken) ledger.take(each.on, each.held)
  }
  return ledger.holds(on, need)
}

export function rejection({ task, model, engine, device }: Candidate, reason: string): RejectedPlacement {
  return { task, model, engine, device, reason }
}
