import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PresentDevice } from '../snapshot.ts'
import { titleOfDevice } from '../title.ts'
import { scanPci } from './pci.ts'

/**
 * Which GPUs and NPUs are on the bus now, and whether a driver has them; wakes none.
 * @throws Error when the bus cannot be read though it is there: that says nothing of its devices
 */
export async function lookAtLinux(root: string): Promise<PresentDevice[]> {
  await readdir(join(root, 'sys/bus/pci/devices')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  return Promise.all(
    (await scanPci(root)).map(async ({ kind, vendor, id, address, folder, driver }) => {
      const bound = driver === undefined ? undefined : await markOf(join(folder, 'driver'))
      return {
        key: address,
        title: titleOfDevice(kind, vendor, id),
        ...(driver === undefined ? {} : { driver }),
        ...(bound === undefined ? {} : { bound }),
      }
    }),
  )
}

/** The kernel makes the link anew for each driver that takes the device, with another number. */
function markOf(link: string): Promise<string | undefined> {
  return lstat(link, { bigint: true }).then(
    ({ ino }) => String(ino),
    () => undefined,
  )
}
