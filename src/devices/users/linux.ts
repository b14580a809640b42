import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fdinfoBytes } from '../fdinfo-bytes.ts'
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
  const uses = await Promise.all(family.map((pid) => usesOf(root, pid)))
  return { pid: Number(owner), uses: sortedUses(merged(uses.flat())) }
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

async function openFiles(root: string, pid: string): Promise<{ fd: string; target: string }[]> {
  const folder = join(root, 'proc', pid, 'fd')
  const files = (await namesIn(folder)).map(async (fd) => {
    const target = await readlink(join(folder, fd)).catch(() => '')
    return { fd, target }
  })
  return Promise.all(files)
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

interface OpenDevice extends DeviceUse {
  /** Several descriptors of one client tell the same. */
  readonly client: string
}

async function usesOf(root: string, pid: string): Promise<OpenDevice[]> {
  const files = await openFiles(root, pid)
  const found = await Promise.all(
    files.map(async ({ fd, target }) => {
      const [, minor] = /^\/dev\/nvidia(\d+)$/.exec(target) ?? []
      if (minor !== undefined) return nvidiaUse(root, pid, minor)
      if (!/^\/dev\/(dri|accel)\//.test(target)) return undefined
      return drmUse(await textOf(join(root, 'proc', pid, 'fdinfo', fd)), pid)
    }),
  )
  return found.filter((use) => use !== undefined)
}

function drmUse(info: string | undefined, pid: string): OpenDevice | undefined {
  const fields = new Map((info ?? '').split('\n').map((line) => splitAt(line)))
  const pciAddress = fields.get('drm-pdev')
  if (pciAddress === undefined) return undefined
  const ofKind = (kind: string) =>
    [...fields].filter(([name]) => name.startsWith(`drm-${kind}-`)).map(([, value]) => fdinfoBytes(value))
  const resident = ofKind('resident')
  // before `resident` there was `memory`
  const memory = [resident, ofKind('memory'), ofKind('total')].find((told) => told.length > 0) ?? []
  return {
    pid: Number(pid),
    pciAddress,
    client: fields.get('drm-client-id') ?? '',
    memoryBytes: memory.reduce((sum, bytes) => sum + bytes, 0),
    ...(memory.length === 0 ? { untold: true } : {}),
  }
}

async function nvidiaUse(root: string, pid: string, minor: string): Promise<OpenDevice | undefined> {
  const folder = join(root, 'proc/driver/nvidia/gpus')
  for (const pciAddress of await namesIn(folder)) {
    const told = await textOf(join(folder, pciAddress, 'information'))
    if (new RegExp(`^Device Minor:\\s*${minor}$`, 'm').test(told ?? ''))
      return { pid: Number(pid), pciAddress, client: '', memoryBytes: 0, untold: true }
  }
  return undefined
}

function splitAt(line: string): [string, string] {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trim()]
}

/** Each client once; those of one process and device together. */
function merged(opened: readonly OpenDevice[]): DeviceUse[] {
  const clients = new Map(opened.map((use) => [`${use.pciAddress} ${use.client} ${use.pid}`, use]))
  const uses = new Map<string, DeviceUse>()
  const seen = new Set<string>()
  for (const { client, ...use } of clients.values()) {
    const place = `${use.pciAddress} ${use.pid}`
    // a descriptor that a child inherited is the same client
    if (client !== '' && seen.has(`${use.pciAddress} ${client}`)) continue
    seen.add(`${use.pciAddress} ${client}`)
    const before = uses.get(place)
    uses.set(place, before ? { ...before, memoryBytes: before.memoryBytes + use.memoryBytes } : use)
  }
  return [...uses.values()]
}
