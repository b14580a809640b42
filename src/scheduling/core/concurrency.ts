/** Finds how many batches a worker takes at once by what more of them bring. Pure. */
export interface Climb {
  readonly least: number
  readonly most: number
  readonly room: number
  /** Tokens per millisecond with one less, while one more is tried. */
  readonly before: number | undefined
  /** What was answered since `sinceMs`. */
  readonly tokens: number
  readonly batches: number
  readonly sinceMs: number
  /** No other room is tried before. */
  readonly restUntilMs: number
}

/** Of a window, so that one slow batch decides nothing. */
const WINDOW_BATCHES = 16
const WINDOW_MS = 500
/** What one more batch at once must bring to stay. */
const GAIN = 1.08
/** A try that brought nothing is repeated after this. */
const REST_MS = 30_000

export function freshClimb(least: number, most: number, nowMs: number): Climb {
  return {
    least,
    most,
    room: least,
    before: undefined,
    tokens: 0,
    batches: 0,
    sinceMs: nowMs,
    restUntilMs: nowMs,
  }
}

/**
 * Counts an answered batch; at the end of a window tries one more at once, keeps it or takes it back.
 * @param full the worker had all that it takes at once: else the window says nothing about its room
 */
export function climbed(climb: Climb, tokens: number, full: boolean, nowMs: number): Climb {
  if (climb.least === climb.most) return climb
  if (!full) return { ...climb, tokens: 0, batches: 0, sinceMs: nowMs }
  const counted = { ...climb, tokens: climb.tokens + tokens, batches: climb.batches + 1 }
  const ms = nowMs - climb.sinceMs
  if (counted.batches < WINDOW_BATCHES || ms < WINDOW_MS) return counted
  const rate = counted.tokens / ms
  const window = { ...climb, tokens: 0, batches: 0, sinceMs: nowMs }
  if (climb.before !== undefined && rate < climb.before * GAIN)
    return { ...window, room: climb.room - 1, before: undefined, restUntilMs: nowMs + REST_MS }
  if (climb.room === climb.most || nowMs < climb.restUntilMs) return { ...window, before: undefined }
  return { ...window, room: climb.room + 1, before: rate }
}
