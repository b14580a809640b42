/** Where one life of a worker runs: a process of its own, a thread of this one, or this one itself. */
import type { Readable } from 'node:stream'
import { readFromChild } from './from-child.ts'
import type { Tail } from './tail.ts'
import type { FromChild, ToChild } from './wire.ts'

export interface HostHandlers {
  onMessage(message: FromChild): void
  /** What it printed, as it comes. */
  onOutput(text: string): void
  /** It sent what is no message. */
  onGarbage(why: string): void
  /** Called once. */
  onExit(exit: HostExit): void
}

export interface HostExit {
  /** Exit code or signal, and the last lines printed. */
  readonly why: string
  /** More of what it printed last. */
  readonly output: string
  /** It was ended by a SIGKILL that is not ours. */
  readonly killedByOthers: boolean
}

export interface HostOptions {
  /** Added to the environment. */
  readonly env: NodeJS.ProcessEnv
  /** Characters of stdout and stderr that are kept. */
  readonly outputChars: number
}

export interface WorkerHost {
  /** Absent: it has no process of its own, or none could be started. */
  readonly pid: number | undefined
  readonly exited: Promise<void>
  send(message: ToChild): void
  /** Ends it and all that it started, without asking. */
  kill(): void
}

/** A runtime that ends for lack of memory says so before its stack. */
const OUTPUT_LINES = 60

/** @param how code or signal @param printed the last lines of both kinds of output */
export function exitOf(how: string, printed: Tail, killedByOthers: boolean): HostExit {
  const lines = printed.lastLines(5)
  return {
    why: lines ? `${how}; it printed: ${lines}` : how,
    output: printed.lastLines(OUTPUT_LINES),
    killedByOthers,
  }
}

/** Keeps what is printed there, and passes it on. @param streams those that there are */
export function keepOutput(
  streams: readonly (Readable | null)[],
  output: Tail,
  onOutput: (text: string) => void,
): void {
  for (const stream of streams) {
    stream?.setEncoding('utf8')
    stream?.on('data', (chunk: string) => {
      output.push(chunk)
      onOutput(chunk)
    })
  }
}

/** Tells what came from there: a message, or what is none. */
export function deliver(value: unknown, handlers: HostHandlers): void {
  const message = readFromChild(value)
  if (message) handlers.onMessage(message)
  else handlers.onGarbage(`a message of an unknown form: ${shortForm(value)}`)
}

function shortForm(value: unknown): string {
  const type = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined
  return typeof type === 'string' ? `type ${JSON.stringify(type.slice(0, 40))}` : typeof value
}
