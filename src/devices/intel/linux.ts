import { constants } from 'node:fs'
import { access, open, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { release } from 'node:os'
import { basename, join, posix } from 'node:path'
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

const INTEL = '0x8086'
const DISPLAY_CLASS = '0x03'
const ACCELERATOR_CLASS = '0x12'
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

async function readAccelerators(root: string, may: (file: string) => Promise<boolean>) {
  const pci = join(root, 'sys/bus/pci/devices')
  const groups = await readGroups(root)
  const found: LinuxAccelerator[] = []
  for (const address of (await readdir(pci).catch(() => [])).sort()) {
    const folder = join(pci, address)
    const [vendor, device, type] = await Promise.all(
      ['vendor', 'device', 'class'].map((name) => textOf(join(folder, name))),
    )
    if (vendor !== INTEL) continue
    const id = device?.replace(/^0x/, '') ?? ''
    const driver = await readlink(join(folder, 'driver')).then(
      (target) => basename(target),
      () => undefined,
    )
    const isNpu =
      driver === 'intel_vpu' || KNOWN_DEVICES[id]?.kind === 'npu' || type?.startsWith(ACCELERATOR_CLASS)
    if (!isNpu && !type?.startsWith(DISPLAY_CLASS)) continue
    const [kind, below, dev, pattern] = isNpu
      ? (['npu', 'accel', 'dev/accel', /^accel\d+$/] as const)
      : (['gpu', 'drm', 'dev/dri', /^renderD\d+$/] as const)
    const names = (await readdir(join(folder, below)).catch(() => [])).filter((name) => pattern.test(name))
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
  return (await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])))).flat()
}

function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
}
