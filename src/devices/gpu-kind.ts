import type { DeviceKind } from '../domain/index.ts'
import { KNOWN_DEVICES } from './intel/known.ts'
import type { SystemDevice } from './system.ts'

/** Where Intel's integrated GPUs are on every machine. */
const INTEL_INTEGRATED = '0000:00:02.0'
/** An integrated GPU of AMD sets aside less, if nobody changed it. */
const AMD_INTEGRATED_BYTES = 3 * 1024 ** 3

/** Integrated or discrete where the system alone is sure of it. */
export function certainGpuKind({ vendor, pciId, pciAddress, title }: SystemDevice): DeviceKind | undefined {
  if (vendor === 'nvidia') return 'dgpu'
  if (vendor !== 'intel') return undefined
  if (pciAddress === INTEL_INTEGRATED) return 'igpu'
  const isArc = /\bArc\b.*\b[AB]\d{2,3}\b/.test(title) || KNOWN_DEVICES[pciId]?.module === 'xe'
  return isArc || pciAddress !== undefined ? 'dgpu' : undefined
}

/** The likely one where it is not; only for a GPU that no engine sees. */
export function likelyGpuKind(device: SystemDevice): DeviceKind {
  const { vendor, memoryBytes } = device
  const isSmall = memoryBytes !== undefined && memoryBytes < AMD_INTEGRATED_BYTES
  return certainGpuKind(device) ?? (vendor === 'amd' && !isSmall ? 'dgpu' : 'igpu')
}
