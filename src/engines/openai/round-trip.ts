import { ask, type Target, textOf } from './http/transport.ts'

const TRIES = 3
/** Of one question; slower ones are not waited for. */
const HEAD_MS = 3_000
const MAX_BYTES = 1024 * 1024

/**
 * How long a question takes that computes nothing, as every request to that server is sent: connecting is part of it where no
 * connection is kept.
 * @param path answered by the server itself, whatever its status
 * @returns milliseconds, the least of three; undefined: it does not answer
 */
export async function roundTripMs(
  target: Target,
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  let least: number | undefined
  for (let left = TRIES; left > 0; left--) {
    const startedMs = performance.now()
    try {
      await textOf(await ask(target, { path, signal, headMs: HEAD_MS }), MAX_BYTES)
    } catch {
      signal.throwIfAborted()
      return least
    }
    const ms = performance.now() - startedMs
    if (least === undefined || ms < least) least = ms
  }
  return least
}
