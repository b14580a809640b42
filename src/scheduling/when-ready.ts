import { TandemError } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { Route } from './routes.ts'

/**
 * The first ready worker of a route, in plan order; waits for one.
 * @throws TandemError DEADLINE, CANCELLED, or why the first worker failed for good when all did
 */
export async function whenReady(
  route: Route,
  bounds: { readonly signal?: AbortSignal; readonly waitMs?: number } = {},
): Promise<Worker> {
  const { signal, waitMs } = bounds
  const now = route.workers.find(({ worker }) => worker.info)
  if (now) return now.worker
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
    const awake = route.workers.filter(({ worker }) => !worker.resting)
    const workers = (awake.length > 0 ? awake : route.workers).map(({ worker }) =>
      worker.ready().then(() => worker),
    )
    return await Promise.race([Promise.any(workers), refusal])
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
