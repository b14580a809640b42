/** Whether a worker still works on what it has; pure. */

/** How long silence is borne, in milliseconds where named so. */
export interface HealthLimits {
  /** A busy worker is asked for a sign of life after this at the earliest. */
  readonly silenceMs: number
  /** The same as a multiple of the time in which the next progress was expected. */
  readonly silenceFactor: number
  /** The same where nobody knows what to expect. */
  readonly unknownSilenceMs: number
  /** A process that does not answer a probe within this is stopped or stuck. */
  readonly probeMs: number
  /** Where the process answers, its engine may be silent this many times as long. */
  readonly hungFactor: number
  /** A cancelled call must be let go of within this while the engine shows no progress. */
  readonly hangMs: number
}

/** One call at a worker; all times of one clock. */
export interface CallHealth {
  readonly startedMs: number
  /** Milliseconds in which its first progress is expected; undefined: unknown. */
  readonly expectedMs: number | undefined
  /** The longest time between two signs of progress of this call; undefined until there were two. */
  readonly gapMs: number | undefined
  /** When the worker was told to stop it. */
  readonly cancelledMs: number | undefined
}

/** What is known of a worker. Progress is a delta, a block of a prompt or the end of a call: never the answer to a probe. */
export interface Observed {
  readonly calls: readonly CallHealth[]
  readonly progressMs: number
  readonly probedMs: number | undefined
  /** When its process last answered a probe. */
  readonly answeredMs: number | undefined
}

export type Verdict =
  | { readonly kind: 'ok' }
  | { readonly kind: 'probe' }
  | { readonly kind: 'hung'; readonly why: string }

const OK: Verdict = { kind: 'ok' }

/** Judges a worker. A machine that slept or a blocked reader must be taken out of the clock first. */
export function judge(observed: Observed, limits: HealthLimits, nowMs: number): Verdict {
  const { calls, progressMs, probedMs, answeredMs } = observed
  const cancels = calls.flatMap(({ cancelledMs }) => cancelledMs ?? [])
  if (cancels.length > 0 && nowMs - Math.max(Math.min(...cancels), progressMs) >= limits.hangMs)
    return { kind: 'hung', why: `no answer to a cancel within ${limits.hangMs} ms` }
  const waited = calls.filter(({ cancelledMs }) => cancelledMs === undefined)
  if (waited.length === 0) return OK
  // a batch that waits behind a slow one is judged with it: the longest patience counts
  const patienceMs = Math.max(...waited.map((call) => patienceOf(call, limits)))
  const sinceMs = Math.max(progressMs, Math.min(...waited.map(({ startedMs }) => startedMs)))
  const silentMs = nowMs - sinceMs
  if (silentMs < patienceMs) return OK
  if (probedMs === undefined || probedMs < sinceMs) return { kind: 'probe' }
  if (answeredMs === undefined || answeredMs < probedMs) {
    if (nowMs - probedMs < limits.probeMs) return OK
    return { kind: 'hung', why: `no sign of life for ${Math.round(silentMs)} ms` }
  }
  if (silentMs < patienceMs * limits.hungFactor) return OK
  const why = `its process answers, but its engine made no progress for ${Math.round(silentMs)} ms`
  return { kind: 'hung', why }
}

function patienceOf({ gapMs, expectedMs }: CallHealth, limits: HealthLimits): number {
  const expected = gapMs ?? expectedMs
  if (expected === undefined) return limits.unknownSilenceMs
  return Math.max(limits.silenceMs, limits.silenceFactor * expected)
}
