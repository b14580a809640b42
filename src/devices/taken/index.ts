import type { Device } from '../../domain/index.ts'
import { within } from '../within.ts'
import { linuxTaken } from './linux.ts'
import { hasOwnMemory, type Taken } from './taken.ts'
import { windowsTaken } from './windows.ts'

const LIMIT_MS = 2_000
/** PowerShell alone takes a second to start. */
const WINDOWS_LIMIT_MS = 5_000

/**
 * What programs take of the memory that devices have for themselves.
 * @param own ids of Tandem's processes; Windows finds them itself
 * @returns by device id; a device of which the system tells nothing is absent. Never throws; takes 5 s at most
 */
export function readTaken(
  all: readonly Device[],
  own: readonly number[],
  { signal, env }: { readonly signal: AbortSignal; readonly env: NodeJS.ProcessEnv },
): Promise<ReadonlyMap<string, Taken>> {
  const devices = all.filter((device) => hasOwnMemory(device) && !device.simulated)
  const nothing = new Map<string, Taken>()
  if (devices.length === 0) return Promise.resolve(nothing)
  if (process.platform === 'linux') return within(LIMIT_MS, linuxTaken('/', devices, own), nothing)
  if (process.platform !== 'win32') return Promise.resolve(nothing)
  const options = { signal, env, limitMs: WINDOWS_LIMIT_MS }
  return within(WINDOWS_LIMIT_MS, windowsTaken(devices, options), nothing)
}
