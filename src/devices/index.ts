import type { Device, EngineDevice } from '../domain/index.ts'
import { discoverCpu } from './cpu.ts'
import { mergeDevices } from './merge.ts'

export type { IntelFacts, LinuxAccelerator, LinuxFacts, WindowsAccelerator } from './intel/facts.ts'
export { readIntelFacts } from './intel/index.ts'
export { KNOWN_DEVICES, titleOf } from './intel/known.ts'

/**
 * Every device of this machine, the CPU last.
 * @param found what engines see
 */
export function discoverDevices(found: readonly EngineDevice[] = []): readonly Device[] {
  return mergeDevices(discoverCpu(), found)
}
