import type { Device, DeviceKind, EngineDevice, EngineId } from '../domain/index.ts'
import { definedOnly } from './defined-only.ts'
import { likelyGpuKind } from './gpu-kind.ts'
import { familyOf, matchDevices, type Physical, type Sighting } from './match.ts'
import { type EngineProblems, missingFor } from './missing.ts'
import type { SystemDevice } from './system.ts'

/** Accelerators before the CPU, what it computes itself after it: a plan prefers devices in their order. */
const ORDER: readonly DeviceKind[] = ['npu', 'dgpu', 'igpu', 'cpu']

export interface MergeInput {
  /** The CPU as the system knows it. */
  readonly cpu: Device
  readonly system: readonly SystemDevice[]
  /** What engines see, in their order. */
  readonly found: readonly EngineDevice[]
  readonly problems?: EngineProblems
}

/**
 * Puts together what the system and the engines say: each physical device once, with the name that every engine has for it.
 * @returns sorted, with ids `npu0`, `gpu0`, `gpu1`, ... (by PCI address where all have one, else as they were found), `cpu`
 */
export function mergeDevices({ cpu, system, found, problems = {} }: MergeInput): readonly Device[] {
  const cpuNames = found.filter(({ kind }) => kind === 'cpu').map(({ engine, name }) => [engine, name])
  const engines = [...new Set(found.map(({ engine }) => engine))]
  const physical = matchDevices([
    system.map((device): Sighting => ({ by: 'system', ...device })),
    ...engines.map((engine) =>
      found
        .filter((device) => device.engine === engine && device.kind !== 'cpu')
        .map(({ env: _, ...device }): Sighting => ({ by: 'engine', ...device })),
    ),
  ])
  const of = (family: 'gpu' | 'npu') =>
    byPlace(physical.filter(([first]) => first && familyOf(first) === family)).map((device, at) =>
      toDevice(`${family}${at}`, device, problems),
    )
  const merged = { ...cpu, engines: { ...cpu.engines, ...Object.fromEntries(cpuNames) } }
  const rank = ({ kind, software }: Device) => (software ? ORDER.length : ORDER.indexOf(kind))
  return [...of('npu'), ...of('gpu'), merged].sort((a, b) => rank(a) - rank(b))
}

/** Hardware first; its order stays the same from start to start where it can. */
function byPlace(devices: readonly Physical[]): readonly Physical[] {
  const isSoftware = (device: Physical) => device.some((seen) => seen.by === 'engine' && seen.software)
  const hardware = devices.filter((device) => !isSoftware(device))
  const placeOf = (device: Physical) => device.find(({ pciAddress }) => pciAddress !== undefined)?.pciAddress
  const sorted = hardware.every((device) => placeOf(device) !== undefined)
    ? hardware.toSorted((a, b) => (placeOf(a)! < placeOf(b)! ? -1 : 1))
    : hardware
  return [...sorted, ...devices.filter(isSoftware)]
}

function toDevice(id: string, seen: Physical, problems: EngineProblems): Device {
  const system = seen.find((each) => each.by === 'system')
  const engines = seen.filter((each) => each.by === 'engine')
  const kind = engines[0]?.kind ?? (system!.family === 'npu' ? 'npu' : likelyGpuKind(system!))
  const names: Partial<Record<EngineId, string>> = {}
  for (const { engine, name } of engines) names[engine] = name
  const first = <K extends keyof EngineDevice & keyof Device>(key: K) =>
    engines
      .map((each) => each[key as keyof typeof each] as EngineDevice[K])
      .find((value) => value !== undefined)
  const lacks = system && engines.length === 0 ? missingFor(system, problems) : []
  return {
    id,
    kind,
    name: titleOf(seen),
    engines: names,
    simulated: false,
    ...definedOnly({
      ...memoryOf(kind, seen),
      sharedMemory: kind === 'dgpu' ? undefined : true,
      vendor: system?.vendor ?? first('vendor'),
      pciAddress: system?.pciAddress ?? first('pciAddress'),
      luid: first('luid'),
      driver:
        [...new Set([system?.driver, ...engines.map(({ driver }) => driver)])]
          .filter((driver) => driver !== undefined)
          .join(', ') || undefined,
      architecture: first('architecture'),
      software: first('software'),
      problems: lacks.length > 0 ? lacks : undefined,
    }),
  }
}

/**
 * Size and what is free of it, from one source: they count in different ways. The system knows what is on the card, an
 * engine how much it may take of the memory that an integrated GPU shares.
 */
function memoryOf(kind: DeviceKind, seen: Physical): Pick<Device, 'memoryBytes' | 'freeBytes'> {
  const order = kind === 'dgpu' ? seen : seen.toReversed()
  const { memoryBytes, freeBytes } = order.find((each) => each.memoryBytes !== undefined) ?? {}
  return definedOnly({ memoryBytes, freeBytes })
}

/** An engine's driver knows its device better than a list of numbers; the last engine's plugin is the maker's. */
function titleOf(seen: Physical): string {
  return seen.findLast(({ by }) => by === 'engine')?.title ?? seen[0]!.title
}
