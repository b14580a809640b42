import { readlink } from 'node:fs/promises'
import { release } from 'node:os'
import { basename, join } from 'node:path'
import { definedOnly } from '../defined-only.ts'
import type { SystemDevice } from '../system.ts'
import { titleOfDevice } from '../title.ts'
import { numberOf, textOf } from './files.ts'
import { type PciDevice, scanPci } from './pci.ts'

/** GPUs and NPUs by their place in sysfs. What cannot be read is absent. */
export async function readLinuxDevices(root: string, kernel = release()): Promise<SystemDevice[]> {
  return Promise.all((await scanPci(root)).map((device) => describe(device, root, kernel)))
}

async function describe(device: PciDevice, root: string, kernel: string): Promise<SystemDevice> {
  const { kind: family, address: pciAddress, folder, vendor, id: pciId } = device
  const [driver, total, used] = await Promise.all([
    driverOf(device, root, kernel),
    numberOf(join(folder, 'mem_info_vram_total')), // amdgpu
    numberOf(join(folder, 'mem_info_vram_used')),
  ])
  return {
    family,
    title: titleOfDevice(family, vendor, pciId),
    vendor,
    pciId,
    pciAddress,
    ...definedOnly({
      driver,
      memoryBytes: total || undefined,
      freeBytes: total && used !== undefined ? Math.max(0, total - used) : undefined,
    }),
  }
}

/** `nvidia 550.54.14`, or with the kernel's version where the driver comes with it: `xe 6.12.9`. */
async function driverOf(
  { driver, folder }: PciDevice,
  root: string,
  kernel: string,
): Promise<string | undefined> {
  if (driver === undefined) return undefined
  const module = await readlink(join(folder, 'driver/module')).then(
    (target) => basename(target),
    () => driver,
  )
  return `${driver} ${(await textOf(join(root, 'sys/module', module, 'version'))) ?? kernel}`
}
