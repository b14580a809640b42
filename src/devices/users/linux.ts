import { join } from 'node:path'
import { type OpenDevice, openDevices, openFiles } from '../linux/fdinfo.ts'
import { namesIn, textOf } from '../linux/files.ts'
import { type DeviceUse, type PortUsers, sortedUses } from './use.ts'

/** `TCP_LISTEN` in /proc/net/tcp. */
const LISTENS = '0A'
/** A machine with more has no time for this. */
const MAX_PROCESSES = 20_000

/**
 * The process that listens on a TCP port, with those that it started, and what of the drivers of GPUs and NPUs they have open
 * (the kernel's drm-usage-stats; NVIDIA's own driver tells only that a device is open).
 * @param root where the file system begins
 * @returns undefined where it cannot be seen, as of another user's
 */
export async function linuxPortUsers(root: string, port: number): Promise<PortUsers | undefined> {
  const sockets = await listeningSockets(root, port)
  if (sockets.size === 0) return undefined
  const pids = (await namesIn(join(root, 'proc')))
    .filter((name) => /^\d+$/.test(name))
    .slice(0, MAX_PROCESSES)
  const owner = await firstThat(pids, async (pid) =>
    (await openFiles(root, pid)).some(({ target }) => sockets.has(target)),
  )
  if (owner === undefined) return undefined
  const family = await descendants(root, owner, pids)
  return { pid: Number(owner), uses: sortedUses(merged(await openDevices(root, family))) }
}

/** `socket:[12345]` */
async function listeningSockets(root: string, port: number): Promise<ReadonlySet<string>> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => textOf(join(root, 'proc/net', name))))
  const rows = tables.flatMap((table = '') => table.split('\n').slice(1))
  return new Set(
    rows.flatMap((row) => {
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/)
      return state === LISTENS && local?.endsWith(`:${hex}`) ? [`socket:[${inode}]`] : []
    }),
  )
}

async function firstThat(
  pids: readonly string[],
  holds: (pid: string) => Promise<boolean>,
): Promise<string | undefined> {
  for (const pid of pids) if (await holds(pid)) return pid
  return undefined
}

/** The process itself, and all that it and those started. */
async function descendants(root: string, owner: string, pids: readonly string[]): Promise<string[]> {
  const parents = new Map<string, string | undefined>()
  for (const pid of pids) parents.set(pid, await parentOf(root, pid))
  const family = [owner]
  for (const member of family)
    for (const [pid, parent] of parents) if (parent === member && !family.includes(pid)) family.push(pid)
  return family
}

/** The name in the middle may hold spaces and brackets. */
async function parentOf(root: string, pid: string): Promise<string | undefined> {
  const stat = await textOf(join(root, 'proc', pid, 'stat'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
}

/** Those of one process and device together. */
function merged(opened: readonly OpenDevice[]): DeviceUse[] {
  const uses = new Map<string, DeviceUse>()
  for (const { localBytes: _, ...use } of opened) {
    const place = `${use.pciAddress} ${use.pid}`
    const before = uses.get(place)
    uses.set(place, before ? { ...before, memoryBytes: before.memoryBytes + use.memoryBytes } : use)
  }
  return [...uses.values()]
}
