import { asTandemError, type Measurement } from '../../domain/index.ts'
import { usesCpu } from '../../placement/index.ts'
import { startWorker, type Worker, type WorkerInfo } from '../../workers/index.ts'
import { type Candidate, DEFAULT_BUDGET_MS, type MeasureOptions, refOf } from './candidate.ts'
import { measureDecoder } from './decoder.ts'
import { measureEncoder } from './encoder.ts'
import { readMemory } from './memory.ts'
import { powerMeter } from './power.ts'

/** Milliseconds that a measured worker has to end by itself. */
const STOP_GRACE_MS = 1000

/**
 * Starts a worker for the placement, times it and ends it again. A placement that does not run is a result: `failed`
 * says why.
 * @throws the signal's reason; nothing runs any more then
 */
export async function measurePlacement(
  candidate: Candidate,
  options: MeasureOptions = {},
): Promise<Measurement> {
  const { placement } = candidate
  const { budgetMs = DEFAULT_BUDGET_MS, signal, onProgress } = options
  const about = {
    ...refOf(placement),
    from: placement.simulated ? 'profile' : 'measured',
    ...(usesCpu(placement) ? { threads: candidate.options.spec.threads } : {}),
  } as const
  signal?.throwIfAborted()
  const meter = await powerMeter(options.device, signal)
  try {
    return await withWorker(candidate, signal, async (worker) => {
      onProgress?.('loading')
      const info = await worker.ready()
      onProgress?.('measuring')
      await meter?.start()
      const figures = await figuresOf(worker, info, budgetMs, signal)
      const watts = await meter?.stop()
      const memory = info.pid === undefined ? {} : await readMemory(info.pid) // a server's is not known
      const power = watts === undefined ? {} : { watts }
      return { ...about, loadMs: info.loadMs, ...memory, ...power, ...figures }
    })
  } catch (thrown) {
    signal?.throwIfAborted()
    if (candidate.running) throw thrown // it serves: what ended it now says nothing of what it can
    return { ...about, failed: thrown instanceof Error ? thrown.message : asTandemError(thrown).message }
  }
}

/** Lends the running worker, else one that starts once and is gone at the end, at once when the signal aborts. */
export async function withWorker<T>(
  { options, running }: Candidate,
  signal: AbortSignal | undefined,
  work: (worker: Worker) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  if (running) return work(running)
  // a placement that crashes has failed: nobody waits for its restarts
  const limits = { ...options.limits, quarantineAfter: 1 }
  const worker = startWorker({ ...options, lastPlacement: false, limits })
  const abort = () => void worker.stop(0)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await work(worker)
  } finally {
    signal?.removeEventListener('abort', abort)
    await worker.stop(STOP_GRACE_MS)
  }
}

async function figuresOf(
  worker: Worker,
  { maxTokens, contextTokens }: WorkerInfo,
  budgetMs: number,
  signal: AbortSignal | undefined,
): Promise<Pick<Measurement, 'encoder' | 'decoder'>> {
  if (contextTokens !== undefined)
    return { decoder: await measureDecoder(worker, contextTokens, budgetMs, signal) }
  if (maxTokens !== undefined) return { encoder: await measureEncoder(worker, maxTokens, budgetMs, signal) }
  throw new Error('its worker tells neither the tokens of a text nor a window')
}
