/** Ids that stay with their devices when a machine is looked at anew. Pure. */
import type { Device } from '../domain/index.ts'

/** A device of now with the one of before that it is. */
type Pairs = ReadonlyMap<Device, Device>
type Rule = (before: Device, now: Device) => boolean

/**
 * Gives the devices of a new look the ids that they had: by PCI address, else by LUID, else by kind and name where that
 * cannot mean another one. A new device gets the least number of its family that nothing had before or has now.
 * @param now with ids of their own, which count for nothing; the CPU's stays
 * @returns the devices of now in their order
 */
export function keepIds(before: readonly Device[], now: readonly Device[]): readonly Device[] {
  const pairs = pairUp(before, now)
  const held = new Set(before.map(({ id }) => id))
  return now.map((device) => {
    const id = device.kind === 'cpu' ? device.id : (pairs.get(device)?.id ?? freeId(familyOf(device), held))
    held.add(id)
    return { ...device, id }
  })
}

function pairUp(before: readonly Device[], now: readonly Device[]): Pairs {
  const pairs = new Map<Device, Device>()
  const rules: readonly Rule[] = [
    (a, b) => a.pciAddress !== undefined && a.pciAddress === b.pciAddress,
    (a, b) => a.luid !== undefined && a.luid === b.luid,
    (a, b) => a.kind === b.kind && a.name === b.name,
  ]
  for (const rule of rules) {
    const taken = new Set(pairs.values())
    for (const device of now.filter((each) => !pairs.has(each))) {
      const then = thatOf(device, before, now, (a, b) => mayBeSame(a, b) && rule(a, b))
      if (then === undefined || taken.has(then)) continue
      pairs.set(device, then)
      taken.add(then)
    }
  }
  return pairs
}

/** The one that alone fits on both sides, counting those that are paired; twins that nothing tells apart, by their order. */
function thatOf(
  device: Device,
  before: readonly Device[],
  now: readonly Device[],
  fits: Rule,
): Device | undefined {
  const there = before.filter((other) => fits(other, device))
  const here = now.filter((other) => there[0] && fits(there[0], other))
  if (there.length !== here.length) return undefined
  return there.length === 1 || [...there, ...here].every(isPlain) ? there[here.indexOf(device)] : undefined
}

function isPlain({ pciAddress, luid }: Device): boolean {
  return pciAddress === undefined && luid === undefined
}

/** An address alone may be of another card that is in the same place now. */
function mayBeSame(a: Device, b: Device): boolean {
  const sameVendor = a.vendor === undefined || b.vendor === undefined || a.vendor === b.vendor
  return familyOf(a) === familyOf(b) && sameVendor
}

function familyOf({ kind }: Device): 'gpu' | 'npu' | 'cpu' {
  return kind === 'dgpu' || kind === 'igpu' ? 'gpu' : kind
}

function freeId(family: string, held: ReadonlySet<string>): string {
  let number = 0
  while (held.has(`${family}${number}`)) number += 1
  return `${family}${number}`
}
