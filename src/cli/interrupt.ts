import type { Io } from './io.ts'

/** Why a command's signal was aborted. */
export class Interrupted extends Error {
  constructor(readonly by: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${by}`)
  }
  /** What shells expect of a program that a signal ended. */
  get exitCode(): number {
    return this.by === 'SIGINT' ? 130 : 143
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
  const stop = io.onInterrupt((by) => {
    const reason = new Interrupted(by)
    if (controller.signal.aborted) return killAll(reason)
    timer = setTimeout(() => killAll(reason), CLEAN_END_MS)
    controller.abort(reason)
  })
  return {
    signal: controller.signal,
    cutOff,
    onKill: (kill) => {
      kills.add(kill)
      return () => kills.delete(kill)
    },
    close: () => {
      clearTimeout(timer)
      stop()
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
