/** Keeps work away from a worker whose engine fails again and again. Pure. */
export interface Breaker {
  /** Refusals of the engine since its last answer. */
  readonly failures: number
  /** Open before, half open from then on: one batch may try. */
  readonly openUntilMs: number
  /** How long it was open last. */
  readonly openMs: number
}

export interface BreakerLimits {
  readonly breakerAfter: number
  readonly breakerMs: number
  readonly maxBreakerMs: number
}

export const CLOSED: Breaker = { failures: 0, openUntilMs: 0, openMs: 0 }

export type BreakerState = 'closed' | 'open' | 'halfOpen'

export function breakerState(breaker: Breaker, { breakerAfter }: BreakerLimits, nowMs: number): BreakerState {
  if (breaker.failures < breakerAfter) return 'closed'
  return nowMs < breaker.openUntilMs ? 'open' : 'halfOpen'
}

/** @param random 0..1; spreads the next try by a quarter */
export function failedBreaker(
  breaker: Breaker,
  limits: BreakerLimits,
  nowMs: number,
  random: number,
): Breaker {
  const failures = breaker.failures + 1
  if (failures < limits.breakerAfter) return { ...breaker, failures }
  const doubled = breaker.openMs === 0 ? limits.breakerMs : breaker.openMs * 2
  const openMs = Math.min(limits.maxBreakerMs, doubled)
  return { failures, openMs, openUntilMs: nowMs + openMs * (0.75 + random / 2) }
}

/** As if it had been open until now: the next batch decides. */
export function halfOpen(breaker: Breaker, { breakerAfter }: BreakerLimits, nowMs: number): Breaker {
  return { ...breaker, failures: Math.max(breaker.failures, breakerAfter), openUntilMs: nowMs }
}
