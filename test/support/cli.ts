/** The real command line in a process of its own, as a user starts it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { BIN } from './server.ts'

/** Past it a command counts as hanging. */
const LIMIT_MS = 240_000

export interface TandemRun {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface TandemOptions {
  readonly home: string
  readonly cwd?: string
  /** Instead of this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

export interface RunningTandem {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  readonly ended: Promise<TandemRun>
}

/** Starts a command; it is killed when it takes minutes. */
export function startTandem(
  args: readonly string[],
  { home, cwd = home, env }: TandemOptions,
): RunningTandem {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { ...(env ?? process.env), TANDEM_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  return { child, output, ended }
}

export function tandem(args: readonly string[], options: TandemOptions): Promise<TandemRun> {
  return startTandem(args, options).ended
}

/** Runs with `--json`. @throws Error unless it ends well and nothing but one document is on stdout */
export async function tandemJson<T>(args: readonly string[], options: TandemOptions): Promise<T> {
  const { code, stdout, stderr } = await tandem([...args, '--json'], options)
  if (code !== 0) throw new Error(`tandem ${args.join(' ')} ended with ${code}:\n${stderr}`)
  return JSON.parse(stdout) as T
}
