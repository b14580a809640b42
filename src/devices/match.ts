/** Which sightings of several sources are of one physical device. Pure, and never by index: each source counts its own way. */
import type { DeviceKind, EngineDevice } from '../domain/index.ts'
import { certainGpuKind } from './gpu-kind.ts'
import type { SystemDevice } from './system.ts'

/** What one source saw. The system is not always sure whether a GPU is integrated. */
export type Sighting =
  | ({ readonly by: 'system' } & SystemDevice)
  | ({ readonly by: 'engine' } & Omit<EngineDevice, 'env'>)

/** What was seen of one device, by each source at most once; the system's first. */
export type Physical = readonly Sighting[]

/**
 * Puts the sightings of each source together: by PCI address, else by LUID, else where only one pair can be meant.
 * @param sources what each source saw; the system's first
 */
export function matchDevices(sources: readonly (readonly Sighting[])[]): readonly Physical[] {
  let known: Physical[] = []
  for (const seen of sources) {
    const pairs = pairUp(known, seen)
    known = [
      ...known.map((device) => [...device, ...seen.filter((sighting) => pairs.get(sighting) === device)]),
      ...seen.filter((sighting) => !pairs.has(sighting)).map((sighting) => [sighting]),
    ]
  }
  return known.filter((device) => !isDouble(device, known))
}

function pairUp(known: readonly Physical[], seen: readonly Sighting[]): ReadonlyMap<Sighting, Physical> {
  const pairs = new Map<Sighting, Physical>()
  const rules: readonly Rule[] = [
    (device, b) => device.some((a) => a.pciAddress !== undefined && a.pciAddress === b.pciAddress),
    (device, b) => device.some((a) => luidOf(a) !== undefined && luidOf(a) === luidOf(b)),
    (device, b) => mayAllBeSame(device, b) && device.some((a) => plainName(a) === plainName(b)),
  ]
  const free = () => ({
    devices: known.filter((device) => ![...pairs.values()].includes(device)),
    sightings: seen.filter((sighting) => !pairs.has(sighting)),
  })
  for (const rule of rules) {
    const { devices, sightings } = free()
    pairUnique(devices, sightings, rule, pairs)
  }
  // alone of its kind on both sides, counting those that are paired: else it could be another one's twin
  for (const sighting of free().sightings) {
    const there = known.filter((device) => device.some((other) => sameKind(other, sighting)))
    const here = seen.filter((other) => sameKind(other, sighting))
    if (there.length === 1 && here.length === 1 && mayAllBeSame(there[0]!, sighting))
      if (![...pairs.values()].includes(there[0]!)) pairs.set(sighting, there[0]!)
  }
  return pairs
}

type Rule = (device: Physical, sighting: Sighting) => boolean

/** Pairs what fits nothing else by this rule. */
function pairUnique(
  known: readonly Physical[],
  seen: readonly Sighting[],
  fits: Rule,
  pairs: Map<Sighting, Physical>,
): void {
  for (const sighting of seen) {
    const there = known.filter((device) => fits(device, sighting))
    const here = seen.filter((other) => there[0] && fits(there[0], other))
    if (there.length === 1 && here.length === 1) pairs.set(sighting, there[0]!)
  }
}

/** Nothing that is known speaks against it. */
function mayBeSame(a: Sighting, b: Sighting): boolean {
  const differ = (x: string | undefined, y: string | undefined) =>
    x !== undefined && y !== undefined && x !== y
  return (
    sameKind(a, b) &&
    !differ(a.pciAddress, b.pciAddress) &&
    !differ(luidOf(a), luidOf(b)) &&
    !differ(a.vendor, b.vendor)
  )
}

function mayAllBeSame(device: Physical, sighting: Sighting): boolean {
  return device.every((other) => mayBeSame(other, sighting))
}

function sameKind(a: Sighting, b: Sighting): boolean {
  if (isSoftware(a) !== isSoftware(b) || familyOf(a) !== familyOf(b)) return false
  const [kindA, kindB] = [kindOf(a), kindOf(b)]
  return kindA === undefined || kindB === undefined || kindA === kindB
}

function kindOf(sighting: Sighting): DeviceKind | undefined {
  if (sighting.by === 'engine') return sighting.kind
  return sighting.family === 'npu' ? 'npu' : certainGpuKind(sighting)
}

export function familyOf(sighting: Sighting): 'gpu' | 'npu' | 'cpu' {
  if (sighting.by === 'system') return sighting.family
  return sighting.kind === 'dgpu' || sighting.kind === 'igpu' ? 'gpu' : sighting.kind
}

function isSoftware(sighting: Sighting): boolean {
  return sighting.by === 'engine' && sighting.software === true
}

function luidOf(sighting: Sighting): string | undefined {
  return sighting.by === 'engine' ? sighting.luid : undefined
}

/** `Intel(R) Arc(TM) B580 Graphics (dGPU)`: `intel arc b580`. */
function plainName({ title }: Sighting): string {
  return title
    .toLowerCase()
    .replace(/\([^)]*\)/g, ' ')
    .replace(/\b(graphics|gpu)\b/g, ' ')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
}

/** Only the system saw it, and an engine saw one of its family that the system cannot tell from it: most likely this one. */
function isDouble(device: Physical, all: readonly Physical[]): boolean {
  const [only] = device
  if (device.length !== 1 || only?.by !== 'system') return false
  return all.some((other) => other.every(({ by }) => by === 'engine') && mayAllBeSame(other, only))
}
