import type { Device, EngineDevice } from '../domain/index.ts'
import { discoverCpu } from './cpu.ts'
import { mergeDevices } from './merge.ts'
import type { EngineProblems } from './missing.ts'
import { readSystem } from './system.ts'

export { luidOf, pciAddress, vendorOf } from './addresses.ts'
export { definedOnly } from './defined-only.ts'
export type { IntelFacts, LinuxAccelerator, LinuxFacts, WindowsAccelerator } from './intel/facts.ts'
export { readIntelFacts } from './intel/index.ts'
export { KNOWN_DEVICES, titleOf } from './intel/known.ts'
export { keepIds } from './keep-ids.ts'
export { localBytesOf } from './linux/fdinfo.ts'
export { readHwmon } from './linux/hwmon.ts'
export { cpuBusyMeter, cpuTime } from './load/cpu.ts'
export { createLoadMeter } from './load/index.ts'
export { type Power, readPower } from './power.ts'
export { readTaken } from './taken/index.ts'
export type { Taken } from './taken/taken.ts'
export { portUsers } from './users/index.ts'
export type { PortUsers } from './users/use.ts'
export { watchDevices } from './watch.ts'
export { runPowerShell } from './windows/powershell.ts'

export interface DiscoverOptions {
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  /** Why an engine cannot be used, where that is so: said of devices that nothing can use. */
  readonly problems?: EngineProblems
}

/**
 * Every device of this machine: what the system knows and what engines see, each once. Takes 2 s at most.
 * @param found what engines see
 * @returns accelerators, the CPU, and what it computes itself in software
 */
export async function discoverDevices(
  found: readonly EngineDevice[],
  { signal, env, problems = {} }: DiscoverOptions,
): Promise<readonly Device[]> {
  const { devices: system, cores } = await readSystem({ signal, env })
  return mergeDevices({ cpu: discoverCpu(cores), system, found, problems })
}
