import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface CliRun {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly ended: Promise<number | string | null>
}

interface CliOptions {
  readonly cwd: string
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

const ENTRY = fileURLToPath(new URL('./process-entry.js', import.meta.url))

/** Starts the command line as a process; nothing of this one's environment but PATH reaches it. */
export function startCli(args: readonly string[], { cwd, home, env = {}, stdin }: CliOptions): CliRun {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', TANDEM_HOME: home, ...env },
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  child.stdin.end(stdin ?? '')
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string | null)
  return { child, output, ended }
}

export async function runCli(args: readonly string[], options: CliOptions) {
  const { output, ended } = startCli(args, options)
  return { code: await ended, ...output }
}

/** Ends a wait in vain. */
const LIMIT_MS = 120_000

/** Waits until the check holds. @throws Error when it does not in time */
export async function until(check: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + LIMIT_MS
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`not within ${LIMIT_MS} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
