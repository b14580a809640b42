import type { Device } from '../domain/index.ts'
import { discoverCpu } from './cpu.ts'

export type { IntelFacts, LinuxAccelerator, LinuxFacts, WindowsAccelerator } from './intel/facts.ts'
export { readIntelFacts } from './intel/index.ts'
export { KNOWN_DEVICES, titleOf } from './intel/known.ts'

/** Every device of this machine, the CPU last. */
export function discoverDevices(): readonly Device[] {
  return [discoverCpu()]
}
