import { constants } from 'node:fs'
import { access, open, stat } from 'node:fs/promises'
import { release } from 'node:os'
import { join, posix } from 'node:path'
import { namesIn as filesIn, textOf } from '../linux/files.ts'
import { scanPci } from '../linux/pci.ts'
import type { DeviceNode, LibraryName, LinuxAccelerator, LinuxFacts } from './facts.ts'
import { LIBRARIES } from './facts.ts'
import { KNOWN_DEVICES } from './known.ts'

export interface LinuxOptions {
  /** Where the file system begins; another one in tests. */
  readonly root?: string
  readonly kernel?: string
  /** Whether this user may read and write a file; root may everything, so tests say it. */
  readonly mayUse?: (file: string) => Promise<boolean>
  /** Further library folders, as `LD_LIBRARY_PATH` has them. */
  readonly libraryPath?: string
}

const LIBRARY_FOLDERS = [
  'usr/lib/x86_64-linux-gnu',
  'usr/lib/aarch64-linux-gnu',
  'usr/lib64',
  'usr/lib',
  'usr/local/lib',
  'usr/local/lib/x86_64-linux-gnu',
  'lib/x86_64-linux-gnu',
]
const FIRMWARE_FOLDERS = ['lib/firmware/updates/intel/vpu', 'lib/firmware/intel/vpu']

/** Reads the facts of a Linux machine; what cannot be read counts as not there. */
export async function readLinuxFacts(options: LinuxOptions = {}): Promise<LinuxFacts> {
  const { root = '/', kernel = release(), libraryPath = '' } = options
  const folders = [
    ...LIBRARY_FOLDERS.map((folder) => join(root, folder)),
    ...libraryPath.split(':').filter((folder) => folder !== ''),
  ]
  const [accelerators, files, icds] = await Promise.all([
    readAccelerators(root, options.mayUse ?? mayUse),
    namesIn(folders),
    namesIn([join(root, 'etc/OpenCL/vendors')]),
  ])
  const npu = accelerators.find(({ kind }) => kind === 'npu')
  const firmware = await readFirmware(root, KNOWN_DEVICES[npu?.id ?? '']?.firmware ?? '')
  const libraries = (Object.keys(LIBRARIES) as LibraryName[]).filter((name) =>
    LIBRARIES[name].some((start) => files.some((file) => file.startsWith(start))),
  )
  const openClIcd = icds.some((name) => /intel.*\.icd$/i.test(name))
  return { platform: 'linux', kernel, accelerators, libraries, openClIcd, ...firmware }
}

const NODES = {
  npu: { below: 'accel', dev: 'dev/accel', pattern: /^accel\d+$/ },
  gpu: { below: 'drm', dev: 'dev/dri', pattern: /^renderD\d+$/ },
} as const

async function readAccelerators(root: string, may: (file: string) => Promise<boolean>) {
  const groups = await readGroups(root)
  const found: LinuxAccelerator[] = []
  for (const { kind, vendor, address, id, driver, folder } of await scanPci(root)) {
    if (vendor !== 'intel') continue
    const { below, dev, pattern } = NODES[kind]
    const names = (await filesIn(join(folder, below))).filter((name) => pattern.test(name))
    const nodes = await Promise.all(
      names.map((name) => readNode(root, posix.join('/', dev, name), groups, may)),
    )
    found.push({
      kind,
      address,
      id,
      nodes: nodes.filter((node) => node !== undefined),
      ...(driver === undefined ? {} : { driver }),
    })
  }
  return found
}

async function readNode(
  root: string,
  path: string,
  groups: ReadonlyMap<number, string>,
  may: (file: string) => Promise<boolean>,
): Promise<DeviceNode | undefined> {
  const file = join(root, path)
  const gid = await stat(file).then(
    (entry) => entry.gid,
    () => undefined,
  )
  if (gid === undefined) return undefined // a container that was not given it
  return { path, usable: await may(file), group: groups.get(gid) ?? String(gid) }
}

async function readGroups(root: string): Promise<Map<number, string>> {
  const text = (await textOf(join(root, 'etc/group'))) ?? ''
  const rows = text.split('\n').map((line) => line.split(':'))
  return new Map(rows.map(([name = '', , gid]) => [Number(gid), name]))
}

function mayUse(file: string): Promise<boolean> {
  return access(file, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
}

/** The driver keeps the version as text behind the header of a firmware file. */
const VERSION_AT = 4096
const VERSION_BYTES = 256

async function readFirmware(root: string, start: string) {
  const folders = FIRMWARE_FOLDERS.map((folder) => join(root, folder))
  const npuFirmware = [...new Set(await namesIn(folders))]
    .filter((name) => name.startsWith(start) && /\.bin(\.\w+)?$/.test(name))
    .sort()
  const plain = npuFirmware.filter((name) => name.endsWith('.bin'))
  for (const file of folders.flatMap((folder) => plain.map((name) => join(folder, name)))) {
    const npuFirmwareVersion = await firmwareVersion(file)
    if (npuFirmwareVersion) return { npuFirmware, npuFirmwareVersion }
  }
  return { npuFirmware }
}

async function firmwareVersion(file: string): Promise<string | undefined> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return undefined
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(VERSION_BYTES), 0, VERSION_BYTES, VERSION_AT)
    const [text = ''] = buffer.toString('latin1', 0, bytesRead).split('\0')
    return /^[\x20-\x7e]+$/.test(text) ? text.trim() : undefined
  } finally {
    await handle.close()
  }
}

async function namesIn(folders: readonly string[]): Promise<string[]> {
  return (await Promise.all(folders.map(filesIn))).flat()
}
