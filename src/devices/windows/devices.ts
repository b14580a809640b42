import { vendorOf } from '../addresses.ts'
import { definedOnly } from '../defined-only.ts'
import { KNOWN_DEVICES } from '../intel/known.ts'
import type { SystemDevice } from '../system.ts'
import { titleOfDevice } from '../title.ts'
import { readAdapters, type WindowsAdapter } from './adapters.ts'

const INTEL = 0x8086
const FAMILIES: Readonly<Record<string, 'gpu' | 'npu'>> = { Display: 'gpu', ComputeAccelerator: 'npu' }

/** GPUs and NPUs as Windows knows them. @throws Error when it does not answer */
export async function readWindowsDevices(
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
  limitMs: number,
): Promise<SystemDevice[]> {
  return (await readAdapters({ signal, env, limitMs })).flatMap(toSystemDevice)
}

/** None for what is neither, or of an unknown vendor. */
export function toSystemDevice(adapter: WindowsAdapter): SystemDevice[] {
  const { vendorId, pciId, driverVersion, problem, pciAddress, name } = adapter
  const vendor = vendorOf(vendorId)
  const family = familyOf(adapter)
  if (vendor === undefined || family === undefined) return []
  const hasDriver = problem === 0 && driverVersion !== undefined
  return [
    {
      family,
      title: hasDriver && name !== '' ? name : titleOfDevice(family, vendor, pciId),
      vendor,
      pciId,
      ...definedOnly({ pciAddress, driver: hasDriver ? driverVersion : undefined }),
    },
  ]
}

/** A device without a driver has no class: Intel's are known by their number. */
export function familyOf({ class: name = '', vendorId, pciId }: WindowsAdapter): 'gpu' | 'npu' | undefined {
  const known = vendorId === INTEL ? KNOWN_DEVICES[pciId]?.kind : undefined
  return known ?? FAMILIES[name]
}
