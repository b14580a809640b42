import { isAbsolute } from 'node:path'
import type { Device, EngineId } from '../../domain/index.ts'
import { usesCpu } from '../../placement/index.ts'
import type { Candidate } from '../measure/candidate.ts'

/** What a measurement depends on beside its candidate. */
export interface CalibrationContext {
  readonly devices: readonly Device[]
  /** See `engineVersions`. */
  readonly engineVersions: Readonly<Partial<Record<EngineId, string>>>
  /** See `readPower`; a laptop has a figure for each. */
  readonly powerProfile: string
}

/** When any of these changes, a measurement counts no more. Without LUIDs and device ids: they change at a boot. */
export interface MeasurementKey {
  /** Of the model. */
  readonly fingerprint: string
  readonly task: string
  readonly engine: string
  /** Of an adopted server its own: what Tandem itself would start is another program. */
  readonly engineVersion: string
  /** Name and address of a device; of the CPU its name and the compute threads. */
  readonly device: string
  readonly driver: string
  readonly powerProfile: string
  /** How the model is opened: window, layers on the device, the engine's own settings; JSON. */
  readonly settings: string
}

export function keyOf({ placement, options }: Candidate, context: CalibrationContext): MeasurementKey {
  const { model, task, device: engineName, threads, ...settings } = options.spec
  const exact = context.devices.find((device) => device.id === placement.device)
  // a virtual device (`HETERO:GPU.1,CPU`) depends on all that its engine has
  const used = exact ? [exact] : context.devices.filter((device) => device.engines[placement.engine])
  const names = used.map((device) => nameOf(device, placement.engine))
  return {
    fingerprint: model.fingerprint,
    task,
    engine: placement.engine,
    engineVersion: (exact?.server ? exact.server.version : context.engineVersions[placement.engine]) ?? '',
    device: [
      ...(exact ? [] : [engineName.toUpperCase()]),
      ...names,
      ...(usesCpu(placement) ? [`${threads} threads`] : []),
    ].join(', '),
    driver: used.map((device) => device.driver ?? '').join(', '),
    powerProfile: context.powerProfile,
    settings: JSON.stringify(withoutPaths(settings)),
  }
}

/** Two cards of one name are told apart by their address, else by the engine's name of them. */
function nameOf({ kind, name, pciAddress, engines }: Device, engine: EngineId): string {
  return kind === 'cpu' ? name : `${name} at ${pciAddress ?? engines[engine] ?? ''}`
}

/** A library or cache elsewhere is as fast; keys are sorted, so that equal settings are equal texts. */
function withoutPaths(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPaths)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([, each]) => !(typeof each === 'string' && isAbsolute(each)))
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, withoutPaths(v)]))
}

export const KEY_NAMES = [
  'fingerprint',
  'task',
  'engine',
  'engineVersion',
  'device',
  'driver',
  'powerProfile',
  'settings',
] as const satisfies readonly (keyof MeasurementKey)[]

export function sameKey(a: MeasurementKey, b: MeasurementKey): boolean {
  return KEY_NAMES.every((name) => a[name] === b[name])
}

/** Whether two keys differ only in how the model is opened, in compute threads or in the power profile. */
export function isNear(a: MeasurementKey, b: MeasurementKey): boolean {
  const plain = ({ device }: MeasurementKey) => device.replace(/, \d+ threads$/, '')
  return (
    plain(a) === plain(b) &&
    KEY_NAMES.every((name) => ['device', 'settings', 'powerProfile'].includes(name) || a[name] === b[name])
  )
}

const WORDS: Readonly<Partial<Record<keyof MeasurementKey, string>>> = {
  engineVersion: "the engine's version",
  device: 'the device or its threads',
  driver: 'the driver',
  powerProfile: 'the power profile',
  settings: 'the settings',
}

/** One sentence: why a measurement under another key does not count; undefined when it is of something else. */
export function changeBetween(old: MeasurementKey, now: MeasurementKey): string | undefined {
  const changed = KEY_NAMES.filter((name) => old[name] !== now[name])
  if (changed.some((name) => WORDS[name] === undefined)) return undefined
  const [first] = changed
  if (first === undefined) return undefined
  const said = first === 'settings' ? '' : ` from ${old[first] || 'unknown'} to ${now[first] || 'unknown'}`
  return `${WORDS[first]} changed${said}`
}
