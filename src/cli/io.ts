import type { Readable, Writable } from 'node:stream'

/** A stream that may be a terminal. */
export type Output = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** Everything of the process that a command may touch, so that tests can stand in for it. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Output
  readonly stderr: Output
  readonly env: NodeJS.ProcessEnv
  /** Absolute. */
  readonly cwd: string
  /** Calls back on Ctrl-C and on a request to end; the returned function stops that. */
  readonly onInterrupt: (listener: (signal: 'SIGINT' | 'SIGTERM') => void) => () => void
}

/** The real process. */
export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    onInterrupt: (listener) => {
      const interrupt = () => listener('SIGINT')
      const terminate = () => listener('SIGTERM')
      process.on('SIGINT', interrupt)
      process.on('SIGTERM', terminate)
      process.on('SIGHUP', terminate) // the terminal was closed
      return () => {
        process.off('SIGINT', interrupt)
        process.off('SIGTERM', terminate)
        process.off('SIGHUP', terminate)
      }
    },
  }
}
