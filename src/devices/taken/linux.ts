import { readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Device } from '../../domain/index.ts'
import { definedOnly } from '../defined-only.ts'
import { type OpenDevice, openDevices } from '../linux/fdinfo.ts'
import { namesIn, numberOf } from '../linux/files.ts'
import type { Taken } from './taken.ts'

/** Kernel drivers that tell in fdinfo who takes what. */
const TELLING = ['xe', 'i915', 'amdgpu']
/** A machine with more has no time for this. */
const MAX_PROCESSES = 20_000

/**
 * amdgpu tells what all take, Intel's drivers only what each process does that can be seen; NVIDIA's own tells nothing here.
 * @param root where the file system begins
 * @param own ids of Tandem's processes
 */
export async function linuxTaken(
  root: string,
  devices: readonly Device[],
  own: readonly number[],
): Promise<ReadonlyMap<string, Taken>> {
  const seen = await Promise.all(devices.map((device) => seenAt(root, device)))
  if (seen.every((each) => each === undefined)) return new Map()
  const ours = await openDevices(root, own.map(String))
  const needed = seen.some((each) => each?.telling && each.usedBytes === undefined)
  const others = needed ? await openDevices(root, await otherPids(root, own)) : []
  return new Map(
    seen.flatMap((each) => {
      if (!each) return []
      const taken = takenOf(each, localAt(ours, each.pciAddress), localAt(others, each.pciAddress))
      return Object.keys(taken).length > 0 ? [[each.id, taken] as const] : []
    }),
  )
}

interface Seen {
  readonly id: string
  readonly pciAddress: string
  readonly usedBytes?: number
  /** Its driver says who takes what. */
  readonly telling: boolean
}

async function seenAt(root: string, { id, pciAddress }: Device): Promise<Seen | undefined> {
  if (pciAddress === undefined) return undefined
  const folder = join(root, 'sys/bus/pci/devices', pciAddress)
  const driver = await readlink(join(folder, 'driver')).then(basename, () => '')
  const usedBytes = await numberOf(join(folder, 'mem_info_vram_used')) // amdgpu
  return { id, pciAddress, telling: TELLING.includes(driver), ...definedOnly({ usedBytes }) }
}

/** Undefined: its driver tells no memory of processes. */
function localAt(opened: readonly OpenDevice[], pciAddress: string): number | undefined {
  const there = opened.filter((each) => each.pciAddress === pciAddress)
  if (there.length > 0 && there.every(({ untold }) => untold)) return undefined
  return there.reduce((sum, { localBytes }) => sum + localBytes, 0)
}

function takenOf({ usedBytes, telling }: Seen, ours: number | undefined, others: number | undefined): Taken {
  if (!telling) return definedOnly({ usedBytes })
  if (usedBytes === undefined) return others === undefined ? {} : { othersBytes: others, partial: true }
  return { usedBytes, ...(ours === undefined ? {} : { othersBytes: Math.max(0, usedBytes - ours) }) }
}

async function otherPids(root: string, own: readonly number[]): Promise<string[]> {
  const all = (await namesIn(join(root, 'proc'))).filter((name) => /^\d+$/.test(name))
  return all.filter((pid) => !own.includes(Number(pid))).slice(0, MAX_PROCESSES)
}
