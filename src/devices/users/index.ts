import { within } from '../within.ts'
import { linuxPortUsers } from './linux.ts'
import type { PortUsers } from './use.ts'
import { windowsPortUsers } from './windows.ts'

const LIMIT_MS = 2_000
/** PowerShell alone takes a second to start. */
const WINDOWS_LIMIT_MS = 5_000

/**
 * Which GPUs and NPUs the process that listens on a port of this machine works with.
 * @returns undefined where the system does not tell. Never throws; takes 5 s at most
 */
export function portUsers(
  port: number,
  { signal, env }: { readonly signal: AbortSignal; readonly env: NodeJS.ProcessEnv },
): Promise<PortUsers | undefined> {
  if (process.platform === 'linux') return within(LIMIT_MS, linuxPortUsers('/', port), undefined)
  if (process.platform !== 'win32') return Promise.resolve(undefined)
  const options = { signal, env, limitMs: WINDOWS_LIMIT_MS }
  return within(WINDOWS_LIMIT_MS, windowsPortUsers(port, options), undefined)
}
