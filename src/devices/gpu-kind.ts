import type { DeviceKind } from '../domain/index.ts'
import { KNOWN_DEVICES } from './intel/known.ts'
import type { SystemDevice } from './system.ts'

/** Where Intel's integrated GPUs are on every machine. */
const INTEL_INTEGRATED = '0000:00:02.0'
/** An integrated GPU of AMD sets aside less, if nobody changed it. */
const AMD_INTEGRATED_BYTES = 3 * 1024 ** 3

/** Integrated or discrete, as far as the system alone can tell; engines know better. */
export function gpuKind({ vendor, pciId, pciAddress, memoryBytes, title }: SystemDevice): DeviceKind {
  if (vendor === 'nvidia') return 'dgpu'
  if (vendor === 'amd')
    return memoryBytes !== undefined && memoryBytes < AMD_INTEGRATED_BYTES ? 'igpu' : 'dgpu'
  if (vendor !== 'intel' || pciAddress === INTEL_INTEGRATED) return 'igpu'
  const isArc = /\bArc\b.*\b[AB]\d{2,3}\b/.test(title) || KNOWN_DEVICES[pciId]?.module === 'xe'
  return isArc || pciAddress !== undefined ? 'dgpu' : 'igpu'
}
