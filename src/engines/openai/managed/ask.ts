import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { failureOf } from './failure.ts'
import { type ListedDevice, readDevices, readVersion } from './report.ts'

const MAX_PRINTED = 1024 * 1024

/** What a llama-server tells of itself, or why it does not run. */
export type Asked =
  | { readonly version: string; readonly devices: readonly ListedDevice[] }
  | { readonly problem: string }

/**
 * Runs a llama-server for its version and for its devices, the CPU left out.
 * @param limitMs of each of the two
 * @throws the signal's reason
 */
export async function askServer(
  binary: string,
  env: NodeJS.ProcessEnv,
  limitMs: number,
  signal: AbortSignal,
): Promise<Asked> {
  const own = { ...env, ...libraryPath(binary, env) }
  const [told, listed] = await Promise.all([
    run(binary, '--version', own, limitMs, signal),
    run(binary, '--list-devices', own, limitMs, signal),
  ])
  signal.throwIfAborted()
  const version = readVersion(told.printed)
  if (version === undefined)
    return { problem: told.why === undefined ? 'it tells no version' : failureOf(told.printed, told.why).why }
  if (listed.why !== undefined) return { problem: failureOf(listed.printed, listed.why).why }
  return { version, devices: readDevices(listed.printed) }
}

/** Some builds for Linux do not know that their libraries lie beside them. */
export function libraryPath(binary: string, env: NodeJS.ProcessEnv): Record<string, string> {
  if (process.platform !== 'linux') return {}
  return { LD_LIBRARY_PATH: [dirname(binary), env['LD_LIBRARY_PATH']].filter(Boolean).join(':') }
}

interface Run {
  /** Both streams. */
  readonly printed: string
  /** Why it failed; absent when it ended with exit code 0. */
  readonly why?: string
}

function run(
  binary: string,
  flag: string,
  env: NodeJS.ProcessEnv,
  limitMs: number,
  signal: AbortSignal,
): Promise<Run> {
  return new Promise((resolve) => {
    const options = {
      env,
      signal,
      timeout: limitMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_PRINTED,
      windowsHide: true,
    } as const
    execFile(binary, [flag], options, (error, stdout, stderr) => {
      const printed = `${stdout}\n${stderr}`
      if (!error) resolve({ printed })
      // it is killed also for printing too much, which its code tells
      else if (typeof error.code === 'string') resolve({ printed, why: error.message })
      else if (error.killed) resolve({ printed, why: `no answer within ${limitMs / 1000} s` })
      else if (typeof error.code === 'number') resolve({ printed, why: `exit code ${error.code}` })
      else resolve({ printed, why: error.signal ? `ended by ${error.signal}` : error.message })
    })
  })
}
