import {
  type Device,
  type DeviceKind,
  ENGINE_IDS,
  type EngineDescriptor,
  type EngineId,
  sameDeviceName,
} from '../domain/index.ts'

/** Where the user wants a task: an engine, a device by any of its names, or both. */
export interface Pin {
  readonly engine?: EngineId
  /** As it was asked for: `npu0`, `NPU`, `HETERO:GPU.1,CPU`; absent: the first that the engine knows. */
  readonly device?: string
  /** The setting that asks, e.g. `openvino.hetero`; absent: the task's own. */
  readonly by?: string
}

/** `openvino`, `npu0` or `openvino@HETERO:GPU.1,CPU`; the names are checked by the configuration. */
export function parsePin(text: string): Pin {
  const at = text.indexOf('@')
  const engine = ENGINE_IDS.find((id) => id === (at === -1 ? text : text.slice(0, at)))
  if (engine === undefined) return { device: text }
  return at === -1 ? { engine } : { engine, device: text.slice(at + 1) }
}

/** As a person writes it: `openvino@NPU`. */
export function pinText({ engine, device }: Pin): string {
  return [engine, device].filter((part) => part !== undefined).join('@')
}

/** What a pin names for one engine. */
interface PinnedDevice {
  /** As it was asked for; of a pin without a device the device's id. */
  readonly device: string
  readonly title: string
  /** The devices that take part; the first gives the kind. */
  readonly members: readonly [Device, ...Device[]]
}

/**
 * Finds what a pin names among the devices that an engine knows.
 * @param text absent: each of them
 * @param problem why the engine has no devices, where that is known
 * @returns the reason when there is no such device
 */
export function findPinned(
  text: string | undefined,
  engine: EngineDescriptor,
  devices: readonly Device[],
  problem?: string,
): readonly PinnedDevice[] | { readonly reason: string } {
  const known = devices.filter((device) => device.engines[engine.id] !== undefined)
  if (known.length === 0) {
    const why = problem === undefined ? '' : ` (${problem})`
    return { reason: `${engine.title} knows no device here${why}${needs(engine)}` }
  }
  if (text === undefined)
    return known.map((device) => ({ device: device.id, title: device.name, members: [device] }))
  const virtual = virtualOf(text, engine)
  if (virtual) return findVirtual(text, virtual, engine, known)
  const found = byName(known, engine, text)
  if (!found) return { reason: unknown(text, engine, known) }
  return [{ device: text, title: found.name, members: [found] }]
}

/** The virtual device of an engine that a text names: `HETERO:GPU.1,CPU`. */
export function virtualOf(text: string, engine: EngineDescriptor) {
  const [prefix] = text.toUpperCase().split(':', 1)
  return engine.virtualDevices?.find((each) => each.prefix === prefix)
}

/** `HETERO:GPU.1,CPU`, `AUTO`, `BATCH:GPU(4)`. */
function findVirtual(
  text: string,
  { chooses, splits = false }: { readonly chooses: boolean; readonly splits?: boolean },
  engine: EngineDescriptor,
  known: readonly Device[],
): readonly PinnedDevice[] | { readonly reason: string } {
  const parts = membersOf(text).map(({ name }) => name)
  if (parts.includes('') || (parts.length === 0 && !chooses)) {
    const listed = known.map((device) => device.engines[engine.id]).join(',')
    return { reason: `${text} must list its devices, as ${text.split(':')[0]}:${listed} does` }
  }
  const missing = parts.find((name) => !byName(known, engine, name))
  if (missing !== undefined) return { reason: unknown(missing, engine, known) }
  const [first, ...rest] = parts.length > 0 ? parts.map((name) => byName(known, engine, name)!) : known
  const against = splits ? noSplit([first!, ...rest]) : undefined
  if (against !== undefined) return { reason: `${text}: ${against}` }
  return [{ device: text, title: text, members: [first!, ...rest] }]
}

/** Why devices cannot share a model. */
function noSplit(members: readonly Device[]): string | undefined {
  if (members.some(({ kind }) => kind === 'cpu'))
    return 'the CPU takes no share; layers that the GPUs have no room for stay on it'
  const twice = members.find((each, at) => members.indexOf(each) < at)
  return twice && `${twice.id} is named twice`
}

/** `GPU.1(4),CPU` of `BATCH:GPU.1(4),CPU`: names, each with its number in brackets where it has one. */
function membersOf(text: string): { name: string; load: string }[] {
  if (!text.includes(':')) return []
  const members = text.slice(text.indexOf(':') + 1).split(',')
  return members.map((member) => {
    const [, name, load] = /^(.*?)(\(\d+\))?$/.exec(member.trim()) ?? []
    return { name: name ?? '', load: load ?? '' }
  })
}

function byName(known: readonly Device[], engine: EngineDescriptor, name: string): Device | undefined {
  const names = (device: Device) => [device.id, device.engines[engine.id]!]
  return known.find((device) => names(device).some((each) => sameDeviceName(each, name)))
}

function unknown(name: string, engine: EngineDescriptor, known: readonly Device[]): string {
  const names = known.map((device) => device.engines[engine.id]).join(', ')
  return `${engine.title} has no device ${name} here; it has ${names}`
}

function needs(engine: EngineDescriptor): string {
  return engine.needs === '' ? '' : `; it needs ${engine.needs}`
}

/** What an engine calls a placement's device: `gpu1` is `GPU.1`, `hetero:gpu1,cpu` is `HETERO:GPU.1,CPU`. */
export function engineDevice(
  placement: { readonly engine: EngineId; readonly device: string },
  devices: readonly Device[],
): string {
  const named = (device: Device): string | undefined => device.engines[placement.engine]
  const ownName = (text: string): string | undefined => {
    const found = devices.find((device) =>
      [device.id, named(device) ?? device.id].some((name) => sameDeviceName(name, text)),
    )
    return found && named(found)
  }
  const { device } = placement
  const single = ownName(device)
  if (single !== undefined) return single
  const [prefix] = device.split(':', 1)
  const members = membersOf(device).map(({ name, load }) => `${ownName(name) ?? name}${load}`)
  return [prefix!.toUpperCase(), ...(members.length > 0 ? [members.join(',')] : [])].join(':')
}

/** Part of a model's memory that a device holds, 0..1. */
export interface Share {
  readonly on: Device
  readonly part: number
}

/**
 * How the members of a device that splits share a model: by the numbers in brackets, else by what they have free.
 * @param members in the order of `text`
 * @returns undefined where the first of them holds it
 */
export function sharesOf(
  text: string,
  engine: EngineDescriptor,
  members: readonly Device[],
): readonly Share[] | undefined {
  if (!virtualOf(text, engine)?.splits) return undefined
  const told = membersOf(text).map(({ load }) => load.slice(1, -1))
  const free = ({ freeBytes, memoryBytes = 1 }: Device) => freeBytes ?? memoryBytes
  const weights = members.map((on, at) =>
    told.some((number) => number !== '') ? Number(told[at] || 1) : free(on),
  )
  const sum = weights.reduce((all, each) => all + each, 0)
  return members.map((on, at) => ({ on, part: sum > 0 ? weights[at]! / sum : 1 / members.length }))
}

/** Whether the CPU takes part: alone, or as a member of a virtual device; AUTO without a list may choose it. */
export function usesCpu({ kind, device }: { readonly kind: DeviceKind; readonly device: string }): boolean {
  const isMember = membersOf(device).some(({ name }) => sameDeviceName(name, 'cpu'))
  return kind === 'cpu' || isMember || /^AUTO$/i.test(device)
}

/** The device whose memory a placement takes, by any of its names; of a virtual device the first of its members. */
export function deviceOf(
  placement: { readonly engine: EngineId; readonly device: string },
  devices: readonly Device[],
): Device | undefined {
  const called = (text: string) =>
    devices.find(({ id }) => id === text) ??
    devices.find((each) => sameDeviceName(each.engines[placement.engine] ?? each.id, text))
  const [first] = membersOf(placement.device)
  return called(placement.device) ?? (first && called(first.name))
}
