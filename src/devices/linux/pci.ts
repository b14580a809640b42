import { readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { vendorOf } from '../addresses.ts'
import { KNOWN_DEVICES } from '../intel/known.ts'
import { namesIn, textOf } from './files.ts'

/** A GPU or NPU on the PCI bus. */
export interface PciDevice {
  readonly kind: 'gpu' | 'npu'
  /** `0000:03:00.0` */
  readonly address: string
  /** Absolute, in sysfs. */
  readonly folder: string
  readonly vendor: string
  /** In lower case, `e20b`. */
  readonly id: string
  /** The kernel's driver; absent when none has the device. */
  readonly driver?: string
}

const DISPLAY_CLASS = '0x03'
const ACCELERATOR_CLASS = '0x12'
const NPU_DRIVERS = ['intel_vpu', 'amdxdna']
/** AMD's NPUs say that they are signal processors: Phoenix and Hawk Point, Strix and later. */
const AMD_NPUS = ['1502', '17f0']

/** GPUs and NPUs of vendors that make processors for models, by address; a graphics chip of a server's console is none. */
export async function scanPci(root: string): Promise<PciDevice[]> {
  const pci = join(root, 'sys/bus/pci/devices')
  const found = await Promise.all((await namesIn(pci)).map((address) => readOne(join(pci, address), address)))
  return found.filter((device) => device !== undefined)
}

async function readOne(folder: string, address: string): Promise<PciDevice | undefined> {
  const [vendorId, device, type = ''] = await Promise.all(
    ['vendor', 'device', 'class'].map((name) => textOf(join(folder, name))),
  )
  const vendor = vendorOf(Number(vendorId))
  if (vendor === undefined || device === undefined) return undefined
  const id = device.replace(/^0x/, '').toLowerCase()
  const driver = await readlink(join(folder, 'driver')).then(
    (target) => basename(target),
    () => undefined,
  )
  const kind = kindOf({ vendor, id, type, driver })
  if (kind === undefined) return undefined
  return { kind, address, folder, vendor, id, ...(driver === undefined ? {} : { driver }) }
}

interface Seen {
  readonly vendor: string
  readonly id: string
  readonly type: string
  readonly driver: string | undefined
}

function kindOf({ vendor, id, type, driver }: Seen): PciDevice['kind'] | undefined {
  if (driver !== undefined && NPU_DRIVERS.includes(driver)) return 'npu'
  if (vendor === 'intel' && KNOWN_DEVICES[id]) return KNOWN_DEVICES[id].kind
  if (vendor === 'amd' && AMD_NPUS.includes(id)) return 'npu'
  if (type.startsWith(DISPLAY_CLASS) || driver === 'amdgpu') return 'gpu' // AMD's Instinct say that they are accelerators
  return type.startsWith(ACCELERATOR_CLASS) && vendor === 'intel' ? 'npu' : undefined
}
