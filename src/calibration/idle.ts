import { setTimeout as sleep } from 'node:timers/promises'

export interface IdleCalibrationOptions<Job, Result> {
  /** Whether a measurement may begin; see `shouldCalibrate`. Asked while none runs: it would count itself as load. */
  readonly isIdle: () => boolean
  /** What to measure, the most wanted first; asked anew for each. */
  readonly missing: () => readonly Job[]
  /** Must end at once when the signal aborts; see `measureCandidate`. */
  readonly measure: (job: Job, signal: AbortSignal) => Promise<Result>
  readonly onMeasured: (job: Job, result: Result) => void
  /** Told what `missing`, `measure` and `onMeasured` throw; the loop goes on. */
  readonly onError: (thrown: unknown) => void
  /** Milliseconds between two looks. */
  readonly pollMs?: number
}

export interface IdleCalibration {
  /** A request arrived: ends the measurement that runs, at once; it is made again later. */
  interrupt(): void
  /** Ends the loop; resolves when nothing runs any more. */
  stop(): Promise<void>
}

const POLL_MS = 2000
/** After a failure the next look waits longer: twice as long after each, up to this. */
const MAX_WAIT_MS = 300_000

/** Measures one thing after the other while nobody needs the machine. */
export function startIdleCalibration<Job, Result>(
  options: IdleCalibrationOptions<Job, Result>,
): IdleCalibration {
  const { isIdle, missing, measure, onMeasured, onError, pollMs = POLL_MS } = options
  const stopped = new AbortController()
  let running: AbortController | undefined

  const measureNext = async (): Promise<void> => {
    const [job] = isIdle() ? missing() : []
    if (job === undefined) return
    const interrupted = new AbortController()
    running = interrupted
    try {
      const signal = AbortSignal.any([stopped.signal, interrupted.signal])
      const result = await measure(job, signal)
      if (!signal.aborted) onMeasured(job, result)
    } catch (thrown) {
      if (!interrupted.signal.aborted && !stopped.signal.aborted) throw thrown
    } finally {
      running = undefined
    }
  }

  const loop = async (): Promise<void> => {
    let failures = 0
    while (!stopped.signal.aborted) {
      try {
        await measureNext()
        failures = 0
      } catch (thrown) {
        failures += 1
        onError(thrown)
      }
      const waitMs = Math.min(MAX_WAIT_MS, pollMs * 2 ** failures)
      await sleep(waitMs, undefined, { signal: stopped.signal, ref: false }).catch(() => {}) // stopped
    }
  }
  const ended = loop()
  return {
    interrupt: () => running?.abort(new Error('a request arrived')),
    stop: () => {
      stopped.abort(new Error('the server stops'))
      return ended
    },
  }
}
