import { spawn } from 'node:child_process'
import { builtEntry, PACKAGE_ROOT } from '../config/index.ts'

const MAX_STDOUT = 1024 * 1024
const MAX_STDERR = 10_000

export interface ProbeOptions {
  /** Milliseconds. */
  readonly limitMs: number
  /** Added to this process's. */
  readonly env?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export interface ProbeAnswer {
  /** At most 1 MiB. */
  readonly stdout: string
  /** Why it failed; absent when it ended with exit code 0. */
  readonly why?: string
}

/**
 * Runs an entry of the build in a process of its own, so that a crash of native code is a finding.
 * @param entry relative to `src/` without its ending
 * @throws the signal's reason
 */
export async function runProbeProcess(
  entry: string,
  args: readonly string[],
  { limitMs, env, signal }: ProbeOptions,
): Promise<ProbeAnswer> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [builtEntry(entry), ...args], {
      cwd: PACKAGE_ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(0, MAX_STDOUT)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_STDERR)
    })
    const stop = () => child.kill('SIGKILL')
    signal.addEventListener('abort', stop, { once: true })
    let slow = false
    const timer = setTimeout(() => {
      slow = true
      stop()
    }, limitMs)
    const end = (why: string | undefined) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      if (signal.aborted) reject(signal.reason)
      else resolve(why === undefined ? { stdout } : { stdout, why })
    }
    child.once('error', (error) => end(error.message))
    child.once('close', (code, by) => {
      if (slow) end(`no answer within ${limitMs / 1000} s`)
      else if (code === 0) end(undefined)
      else end(by ? `ended by ${by}` : reasonIn(stderr))
    })
  })
}

function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const error =
    lines.find((line) => /^(\w*Error\b|\[?\w+Error)/.test(line)) ?? lines.findLast((line) => line !== '')
  return error?.slice(0, 300) ?? 'no reason was given'
}
