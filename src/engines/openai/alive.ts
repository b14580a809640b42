import { ask, type Target, textOf } from './http/transport.ts'

/** Between two looks; a provider's address is looked at seldom. */
const EVERY_MS = { local: 1_000, remote: 30_000 }
const HEAD_MS = 5_000
/** A server that is busy may miss one. */
const MISSES = 2
const MAX_BYTES = 1024 * 1024

export interface AliveOptions {
  readonly target: Target
  readonly path: string
  readonly local: boolean
  /** Called once; the reason is one clause. */
  readonly onGone: (why: string) => void
}

/**
 * Looks now and then whether a server still answers, also while nobody asks it anything. A refused connection means that it is
 * gone at once, silence only twice in a row; an answer of any status is one.
 * @returns ends it
 */
export function watchAlive({ target, path, local, onGone }: AliveOptions): () => void {
  const ended = new AbortController()
  let misses = 0
  const look = async () => {
    try {
      const answer = await ask(target, { path, signal: ended.signal, headMs: HEAD_MS })
      await textOf(answer, MAX_BYTES)
      misses = 0
    } catch (thrown) {
      if (ended.signal.aborted) return
      misses += (thrown as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? MISSES : 1
      if (misses >= MISSES) {
        ended.abort()
        onGone((thrown as Error).message || String((thrown as NodeJS.ErrnoException).code))
        return
      }
    }
    next()
  }
  const next = () => {
    timer = setTimeout(() => void look(), local ? EVERY_MS.local : EVERY_MS.remote)
    timer.unref()
  }
  let timer: NodeJS.Timeout
  next()
  return () => {
    clearTimeout(timer)
    ended.abort()
  }
}
