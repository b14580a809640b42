import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Device, TandemError } from '../../domain/index.ts'
import { hasOwnMemory, type Taken } from '../taken/taken.ts'

const GIB = 1024 ** 3
const FILE = 'programs.json'
const Programs = z.record(z.string(), z.number().min(0).max(1024))

/**
 * What simulated programs take of the devices' own memory: as `programs.json` says now, in GiB by device id.
 * @param home folder of the simulated machine
 * @throws TandemError CONFIG_INVALID for a file that says something else
 */
export async function simulatedPrograms(
  devices: readonly Device[],
  home: string,
): Promise<ReadonlyMap<string, Taken>> {
  const own = devices.filter(hasOwnMemory)
  const file = join(home, FILE)
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const refuse = (what: string) => new TandemError('CONFIG_INVALID', { where: file, what })
  const ids = own.map(({ id }) => id).join(', ') || 'none here'
  let gib: z.infer<typeof Programs>
  try {
    gib = Programs.parse(JSON.parse(text))
  } catch {
    throw refuse(`it must say how many GiB are taken of which device, as {"gpu0": 8}; devices: ${ids}`)
  }
  const unknown = Object.keys(gib).find((id) => own.every((device) => device.id !== id))
  if (unknown !== undefined) throw refuse(`"${unknown}" has no memory of its own; these do: ${ids}`)
  return new Map(own.map(({ id }) => [id, { othersBytes: (gib[id] ?? 0) * GIB }]))
}
