import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { failureOf } from '../failure.ts'
import { type ListedDevice, readDevices, readVersion } from '../report.ts'

/** What an installed llama-server says of itself. */
export interface Tried {
  readonly version: string
  /** The CPU is never among them. */
  readonly devices: readonly ListedDevice[]
}

/** A backend wakes its GPUs before it lists them; a scanner of the system may look at every new library first. */
const LIMIT_MS = 60_000
const MAX_PRINTED = 1024 * 1024

/**
 * Runs a llama-server for its version and its devices.
 * @throws Error with a sentence that says why it does not run; the signal's reason
 */
export async function tryServer(binary: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Tried> {
  const own = { ...env, ...libraryPath(binary, env) }
  const told = await run(binary, '--version', own, signal)
  const version = readVersion(told)
  if (version === undefined) throw new Error('llama-server --version tells no version')
  return { version, devices: readDevices(await run(binary, '--list-devices', own, signal)) }
}

/** Some builds for Linux do not know that their libraries lie beside them. */
export function libraryPath(binary: string, env: NodeJS.ProcessEnv): Record<string, string> {
  if (process.platform !== 'linux') return {}
  return { LD_LIBRARY_PATH: [dirname(binary), env['LD_LIBRARY_PATH']].filter(Boolean).join(':') }
}

/** @returns both streams */
function run(binary: string, flag: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const options = {
    cwd: dirname(binary),
    env,
    signal,
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_PRINTED,
    windowsHide: true,
  } as const
  return new Promise((resolve, reject) => {
    execFile(binary, [flag], options, (error, stdout, stderr) => {
      const printed = `${stdout}\n${stderr}`
      if (signal.aborted) reject(signal.reason)
      else if (!error) resolve(printed)
      else reject(new Error(`llama-server ${flag}: ${failureOf(printed, ended(error)).why}`))
    })
  })
}

function ended(error: Error & { code?: unknown; killed?: boolean; signal?: unknown }): string {
  if (error.killed) return `no answer within ${LIMIT_MS / 1000} s`
  if (typeof error.code === 'number') return `exit code ${error.code}`
  return error.signal ? `ended by ${error.signal}` : error.message
}
