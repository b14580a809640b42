import { TandemError } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { Route } from './routes.ts'

/**
 * The first ready worker of a route, in plan order; waits for one.
 * @throws TandemError DEADLINE, CANCELLED, STARTING when all are unloaded, or why the first worker failed for good when all did
 */
export async function whenReady(
  route: Route,
  bounds: { readonly signal?: AbortSignal; readonly waitMs?: number } = {},
): Promise<Worker> {
  const { signal, waitMs } = bounds
  const now = route.workers.find(({ worker }) => worker.info)
  if (now) return now.worker
  const awake = route.workers.filter(({ worker }) => !worker.resting)
  // only the core may load what is unloaded: it knows what has to make room
  if (awake.length === 0) throw new TandemError('STARTING', { what: route.id }, { retryAfterS: 2 })
  let timer: NodeJS.Timeout | undefined
  let abort = () => {}
  const refusal = new Promise<never>((_, reject) => {
    if (waitMs !== undefined)
      timer = setTimeout(() => reject(new TandemError('DEADLINE', { ms: Math.round(waitMs) })), waitMs)
    abort = () => reject(new TandemError('CANCELLED'))
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
  })
  try {
    return await Promise.race([
      Promise.any(awake.map(({ worker }) => worker.ready().then(() => worker))),
      refusal,
    ])
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
