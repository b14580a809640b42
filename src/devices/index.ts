import type { Device } from '../domain/index.ts'
import { discoverCpu } from './cpu.ts'

/** Every device of this machine, the CPU last. */
export function discoverDevices(): readonly Device[] {
  return [discoverCpu()]
}
