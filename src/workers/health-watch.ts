import { type HealthLimits, judge, type Observed } from './health.ts'

/** A tick that comes this much later than planned was not the worker's fault. */
const LATE_MS = 250

export interface HealthActs {
  /** Calls of the worker, and when it last made progress, by `nowMs()` of the watch. */
  observe(): Pick<Observed, 'calls' | 'progressMs'>
  probe(): void
  hung(why: string): void
}

/**
 * Looks at a worker while it is busy. Its clock leaves out the time in which this process itself did not run: a machine
 * that slept, or a blocked event loop, has heard nothing from anybody.
 */
export class HealthWatch {
  readonly #limits: HealthLimits
  readonly #acts: HealthActs
  readonly #tickMs: number
  #timer: NodeJS.Timeout | undefined
  #lastTickMs = 0
  #lostMs = 0
  #probedMs: number | undefined
  #answeredMs: number | undefined

  constructor(limits: HealthLimits, acts: HealthActs) {
    this.#limits = limits
    this.#acts = acts
    this.#tickMs = Math.max(10, Math.min(250, limits.probeMs / 4, limits.hangMs / 4))
  }

  /** Milliseconds of the clock that `observe` is asked in. */
  nowMs(): number {
    return performance.now() - this.#lostMs
  }

  /** A call has begun. */
  begin(): void {
    if (this.#timer) return
    this.#lastTickMs = performance.now()
    this.#timer = setInterval(() => this.#tick(), this.#tickMs)
  }

  /** The process answered a probe. */
  answered(): void {
    this.#answeredMs = this.nowMs()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    this.#lostMs += lostTime(performance.now() - this.#lastTickMs, this.#tickMs)
    this.#lastTickMs = performance.now()
    const observed = this.#acts.observe()
    if (observed.calls.length === 0) {
      this.stop()
      return
    }
    const { calls, progressMs } = observed
    const verdict = judge(
      { calls, progressMs, probedMs: this.#probedMs, answeredMs: this.#answeredMs },
      this.#limits,
      this.nowMs(),
    )
    if (verdict.kind === 'probe') {
      this.#probedMs = this.nowMs()
      this.#acts.probe()
    } else if (verdict.kind === 'hung') {
      this.stop()
      this.#acts.hung(verdict.why)
    }
  }
}

/** Milliseconds between two ticks in which this process did not run. Pure. */
export function lostTime(betweenMs: number, tickMs: number): number {
  return betweenMs > tickMs + LATE_MS ? betweenMs - tickMs : 0
}
