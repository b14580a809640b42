import type { Io } from './io.ts'

/** What shells expect of a program that a signal ended; a reader that leaves (`| head`) has what it wanted. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, EPIPE: 0 } as const

/** Why a command's signal was aborted. */
export class Interrupted extends Error {
  constructor(readonly by: keyof typeof EXIT_CODES) {
    super(`interrupted by ${by}`)
  }
  get exitCode(): number {
    return EXIT_CODES[this.by]
  }
}

export interface Interrupts {
  readonly signal: AbortSignal
  readonly onKill: (kill: () => void) => () => void
  /** Resolves when the command was cut off: a second Ctrl-C, or no clean end within the time. */
  readonly cutOff: Promise<Interrupted>
  readonly close: () => void
}

/** Milliseconds that a command has to end cleanly after Ctrl-C; `stopServer` needs less. */
const CLEAN_END_MS = 2500

/** Milliseconds in which a second signal is the same key press: `npm start` passes on what the terminal sent already. */
const ECHO_MS = 250

/** First Ctrl-C: abort; second one, or no end in time: kill what the command started. */
export function watchInterrupts(io: Io): Interrupts {
  const controller = new AbortController()
  const kills = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  let cut: (reason: Interrupted) => void = () => undefined
  const cutOff = new Promise<Interrupted>((resolve) => {
    cut = resolve
  })
  const killAll = (reason: Interrupted) => {
    for (const kill of kills) kill()
    cut(reason)
  }
  let beganMs = 0
  const begin = (reason: Interrupted) => {
    beganMs = performance.now()
    timer ??= setTimeout(() => killAll(reason), CLEAN_END_MS)
    controller.abort(reason)
  }
  const stop = io.onInterrupt((by) => {
    const reason = new Interrupted(by)
    if (!controller.signal.aborted) begin(reason)
    else if (performance.now() - beganMs > ECHO_MS) killAll(reason)
  })
  const onOutputError = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    begin(new Interrupted('EPIPE'))
  }
  for (const stream of [io.stdout, io.stderr]) stream.on('error', onOutputError)
  return {
    signal: controller.signal,
    cutOff,
    onKill: (kill) => {
      kills.add(kill)
      return () => kills.delete(kill)
    },
    close: () => {
      clearTimeout(timer)
      stop() // the listeners of the outputs stay: a late write must not crash
    },
  }
}

/** Settles with the promise, or rejects with the signal's reason as soon as it aborts. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let abort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
