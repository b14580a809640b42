/** Finds how many batches, or chats, a worker takes at once by what more of them bring. Pure. */
export interface Climb {
  readonly least: number
  readonly most: number
  readonly room: number
  /** The room that it had, and its tokens per millisecond, while more is tried. */
  readonly before: { readonly room: number; readonly rate: number } | undefined
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
/** What more room must bring to stay. */
const GAIN = 1.08
/** How much more is tried at once, so that a wide range is climbed in few windows. */
const STEP = 1 / 2
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
 * Counts an answered batch; at the end of a window tries more at once, keeps it or takes it back.
 * @param tokens of the batch, or that a chat wrote
 * @param full the worker had all that it takes at once: else the window says nothing about its room
 */
export function climbed(climb: Climb, tokens: number, full: boolean, nowMs: number): Climb {
  if (climb.least === climb.most) return climb
  if (!full) return { ...climb, tokens: 0, batches: 0, sinceMs: nowMs }
  const counted = { ...climb, tokens: climb.tokens + tokens, batches: climb.batches + 1 }
  const ms = nowMs - climb.sinceMs
  const { room, most, before } = climb
  if (counted.batches < Math.max(WINDOW_BATCHES, room) || ms < WINDOW_MS) return counted
  const rate = counted.tokens / ms
  const window = { ...climb, tokens: 0, batches: 0, sinceMs: nowMs }
  if (before !== undefined && rate < before.rate * GAIN)
    return { ...window, room: before.room, before: undefined, restUntilMs: nowMs + REST_MS }
  if (room === most || nowMs < climb.restUntilMs) return { ...window, before: undefined }
  const more = Math.max(1, Math.floor(room * STEP))
  return { ...window, room: Math.min(most, room + more), before: { room, rate } }
}
