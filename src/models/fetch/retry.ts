import { setTimeout as sleep } from 'node:timers/promises'

/** Something that may go well the next time: a cut, a busy or broken server. */
export class Passing extends Error {
  constructor(
    message: string,
    options: {
      readonly cause?: unknown
      /** Milliseconds that the server asks to wait. */
      readonly waitMs?: number
      /** No connection came about at all. */
      readonly offline?: boolean
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.waitMs = options.waitMs ?? 0
    this.offline = options.offline ?? false
  }
  readonly waitMs: number
  readonly offline: boolean
}

export interface RetryOptions {
  readonly signal: AbortSignal
  /** Failures in a row that are borne; progress in between starts the count anew. */
  readonly attempts: number
  /** Wait after the first failure in milliseconds; doubled each time. */
  readonly backoffMs: number
  /** Called before a wait. */
  readonly onRetry?: (why: string, waitMs: number) => void
}

/** Without a connection more attempts only delay the message. */
const OFFLINE_ATTEMPTS = 3
const MAX_BACKOFF_MS = 30_000
/** A server that asks for more is not waited for. */
const MAX_ASKED_MS = 300_000

/**
 * Repeats work that fails in passing.
 * @param work tells by `progressed` that it got on since the last failure
 * @throws Passing when the attempts are used up; whatever else the work throws at once
 */
export async function withRetries<T>(
  work: (progressed: () => void) => Promise<T>,
  { signal, attempts, backoffMs, onRetry }: RetryOptions,
): Promise<T> {
  let failures = 0
  for (;;) {
    try {
      return await work(() => {
        failures = 0
      })
    } catch (thrown) {
      signal.throwIfAborted()
      if (!(thrown instanceof Passing)) throw thrown
      failures += 1
      const limit = thrown.offline ? Math.min(OFFLINE_ATTEMPTS, attempts) : attempts
      if (failures >= limit || thrown.waitMs > MAX_ASKED_MS) throw thrown
      const backoff = Math.min(backoffMs * 2 ** (failures - 1), MAX_BACKOFF_MS)
      const waitMs = Math.max(thrown.waitMs, backoff * (1 + Math.random() / 4))
      onRetry?.(thrown.message, waitMs)
      await sleep(waitMs, undefined, { signal })
    }
  }
}

/** Milliseconds of a `Retry-After` header, in seconds or as a date; 0 without one. */
export function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0
  if (/^\d+(\.\d+)?$/.test(header.trim())) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs)
}
