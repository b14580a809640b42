/** Pure checks of answers; each gives what is wrong in words, or undefined. */
import type { Answer, StreamEnd } from './client.ts'
import type { Prompt } from './truth.ts'

/** Dynamic int8 makes a vector depend a little on what shares its batch. */
const SAME_VECTOR = 0.999
/** Of scores, for the same reason. */
const SAME_SCORE = 0.05
const UNIT = 1e-3

/** Errors that a client may meet while workers die, with their status; those of overload say when to come back. */
const ALLOWED: Readonly<Record<string, { readonly status: number; readonly retryAfter: boolean }>> = {
  queue_full: { status: 429, retryAfter: true },
  starting: { status: 503, retryAfter: true },
  worker_lost: { status: 502, retryAfter: false },
  deadline: { status: 504, retryAfter: true },
}

export function wrongVectors(
  got: readonly (readonly number[])[],
  wanted: readonly (readonly number[])[],
): string | undefined {
  if (got.length !== wanted.length) return `${got.length} vectors for ${wanted.length} inputs`
  for (const [at, vector] of got.entries()) {
    const other = wanted[at]!
    if (vector.length !== other.length) return `${vector.length} dimensions instead of ${other.length}`
    if (!vector.every(Number.isFinite)) return 'a number that is not finite'
    const length = Math.hypot(...vector)
    if (Math.abs(length - 1) > UNIT) return `a vector of length ${length}`
    const cosine = vector.reduce((sum, value, place) => sum + value * other[place]!, 0)
    if (cosine < SAME_VECTOR) return `cosine ${cosine.toFixed(5)} to the undisturbed vector`
  }
  return undefined
}

export function wrongScores(
  got: ReadonlyMap<string, number>,
  wanted: ReadonlyMap<string, number>,
): string | undefined {
  if (got.size !== wanted.size) return `${got.size} scores for ${wanted.size}`
  for (const [key, score] of wanted) {
    const other = got.get(key)
    if (other === undefined) return `no score of ${key}`
    if (!(Math.abs(other - score) <= SAME_SCORE)) return `${key} scores ${other} instead of ${score}`
  }
  return undefined
}

/** Of an answer that is not 200. */
export function wrongRefusal({ status, error, retryAfter }: Answer | StreamEnd): string | undefined {
  const what = `${status} ${error?.code ?? 'without a code'}: ${error?.message ?? 'without a message'}`
  const allowed = ALLOWED[error?.code ?? '']
  if (!allowed || allowed.status !== status) return what
  if (allowed.retryAfter && retryAfter === null) return `${what} (without Retry-After)`
  return undefined
}

/**
 * A stream is complete and equal to the undisturbed one, whatever became of its workers. What it shows is always a
 * beginning of the undisturbed text: a gap or a repeat is no beginning.
 */
export function wrongStream(end: StreamEnd, prompt: Prompt): string | undefined {
  if (end.broken !== undefined)
    return `the connection broke after ${end.text.length} characters: ${end.broken}`
  if (!prompt.text.startsWith(end.text)) return differs(end.text, prompt.text)
  if (end.error) return `ended with ${end.error.code} after ${end.text.length} characters`
  if (!end.done) return `a silent cut after ${end.text.length} of ${prompt.text.length} characters`
  if (end.text !== prompt.text) return `${end.text.length} of ${prompt.text.length} characters, then [DONE]`
  if (end.finishReason !== prompt.finishReason) return `finish_reason ${end.finishReason}`
  return undefined
}

/** Where two texts part. */
export function differs(got: string, wanted: string): string {
  let at = 0
  while (at < got.length && got[at] === wanted[at]) at += 1
  const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 20))
  return `another text from character ${at} on: ${around(got)} instead of ${around(wanted)}`
}
