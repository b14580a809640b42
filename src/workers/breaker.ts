/** The circuit breaker of a worker: closed, open (quarantined), half open until a call is answered; pure. */
import { LAST_PLACEMENT_RESTART_MS, type WorkerLimits } from './limits.ts'

export interface Breaker {
  /** `halfOpen`: started again after a quarantine, nothing answered yet. */
  readonly mode: 'closed' | 'open' | 'halfOpen'
  /** The newest within the crash window, as many as it takes to open. */
  readonly crashesMs: readonly number[]
  /** Of these, for lack of memory. */
  readonly memoryMs: readonly number[]
  /** Lives since the last good one. */
  readonly badLives: number
  /** Probes in vain; forgotten after a crash window without a crash. */
  readonly failedProbes: number
  readonly readyMs: number | undefined
  /** Whether this life answered a call. */
  readonly answered: boolean
}

export const CLOSED: Breaker = {
  mode: 'closed',
  crashesMs: [],
  memoryMs: [],
  badLives: 0,
  failedProbes: 0,
  readyMs: undefined,
  answered: false,
}

export interface Crash {
  readonly nowMs: number
  readonly outOfMemory: boolean
  /** Nothing else serves the task: never quarantined, back within 2 s. */
  readonly lastPlacement: boolean
  /** 0..1; spreads restarts of several workers by a quarter. */
  readonly random: number
}

export interface Restart {
  readonly breaker: Breaker
  readonly delayMs: number
}

/** The process of an open breaker starts: its probe. */
export function started(breaker: Breaker): Breaker {
  const mode = breaker.mode === 'open' ? 'halfOpen' : breaker.mode
  return { ...breaker, mode, readyMs: undefined, answered: false }
}

export function becameReady(breaker: Breaker, nowMs: number): Breaker {
  return { ...breaker, readyMs: nowMs }
}

/** A call was answered well: the probe has succeeded. */
export function answered(breaker: Breaker): Breaker {
  if (breaker.answered && breaker.mode === 'closed') return breaker
  return { ...breaker, mode: 'closed', answered: true }
}

/** What follows the end of a life. */
export function crashed(breaker: Breaker, crash: Crash, limits: WorkerLimits): Restart {
  const { nowMs, outOfMemory, lastPlacement } = crash
  const recent = (times: readonly number[]) => times.filter((ms) => nowMs - ms < limits.crashWindowMs)
  const crashesMs = [...recent(breaker.crashesMs), nowMs].slice(-limits.quarantineAfter)
  const lacks = [...recent(breaker.memoryMs), ...(outOfMemory ? [nowMs] : [])]
  const memoryMs = lacks.slice(-limits.quarantineAfterMemory)
  const wasProbe = breaker.mode === 'halfOpen'
  const calm = breaker.mode === 'closed' && crashesMs.length === 1
  const failedProbes = calm ? 0 : breaker.failedProbes + (wasProbe ? 1 : 0)
  const { readyMs } = breaker
  const wasGood = breaker.answered && readyMs !== undefined && nowMs - readyMs >= limits.goodLifeMs
  const badLives = wasGood ? 0 : breaker.badLives + 1
  const opens =
    !lastPlacement &&
    (failedProbes > 0 ||
      crashesMs.length >= limits.quarantineAfter ||
      (outOfMemory && memoryMs.length >= limits.quarantineAfterMemory))
  const next: Breaker = {
    mode: opens ? 'open' : 'closed',
    crashesMs,
    memoryMs,
    badLives,
    failedProbes,
    readyMs: undefined,
    answered: false,
  }
  const jitter = 0.75 + crash.random / 2
  if (opens) {
    const delayMs = Math.min(limits.maxProbeMs, limits.probeAfterMs * 2 ** failedProbes * jitter)
    return { breaker: next, delayMs }
  }
  // after a good life one crash is bad luck; lack of memory needs a moment to pass
  if (badLives === 0 && !outOfMemory) return { breaker: next, delayMs: 0 }
  const cap = lastPlacement ? Math.min(limits.maxRestartMs, LAST_PLACEMENT_RESTART_MS) : limits.maxRestartMs
  const delayMs = Math.min(cap, limits.firstRestartMs * 2 ** Math.max(0, badLives - 1) * jitter)
  return { breaker: next, delayMs }
}
