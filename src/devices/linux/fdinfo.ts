/** What processes have open of GPUs and NPUs: the kernel's drm-usage-stats; NVIDIA's own driver tells only that a device is open. */
import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn, textOf } from './files.ts'

export interface OpenDevice {
  readonly pid: number
  /** Where the device is on the bus. */
  readonly pciAddress: string
  /** Of the device's memory and of the system's that it uses; 0 where the driver does not tell. */
  readonly memoryBytes: number
  /** Of that what lies in memory that is the device's own. */
  readonly localBytes: number
  /** The driver tells no memory of processes. */
  readonly untold?: boolean
}

interface Client extends OpenDevice {
  /** Several descriptors of one client tell the same; empty where the driver names none. */
  readonly name: string
}

/** Files that a process has open; none where they cannot be seen, as of another user's. */
export async function openFiles(root: string, pid: string): Promise<{ fd: string; target: string }[]> {
  const folder = join(root, 'proc', pid, 'fd')
  const files = (await namesIn(folder)).map(async (fd) => {
    const target = await readlink(join(folder, fd)).catch(() => '')
    return { fd, target }
  })
  return Promise.all(files)
}

/**
 * Each client of a driver once: a descriptor that a child inherited belongs to the process that is named first.
 * @param root where the file system begins
 */
export async function openDevices(root: string, pids: readonly string[]): Promise<OpenDevice[]> {
  const seen = new Set<string>()
  const opened: OpenDevice[] = []
  for (const pid of pids)
    for (const { name, ...device } of await clientsOf(root, pid)) {
      const key = `${device.pciAddress} ${name || `of ${pid}`}`
      if (seen.has(key)) continue
      seen.add(key)
      opened.push(device)
    }
  return opened
}

/** What processes have together of memory that devices have of their own; 0 where no driver tells. */
export async function localBytesOf(pids: readonly number[], root = '/'): Promise<number> {
  const opened = await openDevices(root, pids.map(String))
  return opened.reduce((sum, { localBytes }) => sum + localBytes, 0)
}

async function clientsOf(root: string, pid: string): Promise<Client[]> {
  const files = await openFiles(root, pid)
  const found = await Promise.all(
    files.map(async ({ fd, target }) => {
      const [, minor] = /^\/dev\/nvidia(\d+)$/.exec(target) ?? []
      if (minor !== undefined) return nvidiaClient(root, pid, minor)
      if (!/^\/dev\/(dri|accel)\//.test(target)) return undefined
      return drmClient(await textOf(join(root, 'proc', pid, 'fdinfo', fd)), pid)
    }),
  )
  return found.filter((client) => client !== undefined)
}

function drmClient(info: string | undefined, pid: string): Client | undefined {
  const fields = new Map((info ?? '').split('\n').map((line) => splitAt(line)))
  const pciAddress = fields.get('drm-pdev')
  if (pciAddress === undefined) return undefined
  const regionsOf = (kind: string) => {
    const prefix = `drm-${kind}-`
    return [...fields].flatMap(([name, value]) =>
      name.startsWith(prefix) ? [{ region: name.slice(prefix.length), bytes: bytesOf(value) }] : [],
    )
  }
  // before `resident` there was `memory`
  const regions = ['resident', 'memory', 'total'].map(regionsOf).find((told) => told.length > 0) ?? []
  const sum = (all: typeof regions) => all.reduce((total, { bytes }) => total + bytes, 0)
  return {
    name: fields.get('drm-client-id') ?? '',
    pid: Number(pid),
    pciAddress,
    memoryBytes: sum(regions),
    localBytes: sum(regions.filter(({ region }) => /^(vram|local)\d*$/.test(region))),
    ...(regions.length === 0 ? { untold: true } : {}),
  }
}

async function nvidiaClient(root: string, pid: string, minor: string): Promise<Client | undefined> {
  const folder = join(root, 'proc/driver/nvidia/gpus')
  for (const pciAddress of await namesIn(folder)) {
    const told = await textOf(join(folder, pciAddress, 'information'))
    if (new RegExp(`^Device Minor:\\s*${minor}$`, 'm').test(told ?? ''))
      return { name: '', pid: Number(pid), pciAddress, memoryBytes: 0, localBytes: 0, untold: true }
  }
  return undefined
}

function splitAt(line: string): [string, string] {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trim()]
}

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** `23992 KiB`, bytes where no unit stands; 0 for anything else. */
function bytesOf(text: string): number {
  const [, number = '0', unit = ''] = /^(\d+)\s*([KMG]iB)?$/.exec(text) ?? []
  return Number(number) * UNITS[unit]!
}
