/** What a call takes on a simulated device; plain numbers that cross IPC. */

export interface EncoderTiming {
  /** Milliseconds of an inference whatever it reads. */
  readonly callMs: number
  /** Milliseconds of a token, by the weights; and of a pair of tokens, by attention. */
  readonly msPerToken: number
  readonly msPerTokenPair: number
  /** Static shapes: the lengths that a text is padded to; absent: a batch is padded to its longest text. */
  readonly buckets?: readonly number[]
  /** Texts of one inference. */
  readonly maxBatch: number
}

export interface DecoderTiming {
  /** Milliseconds of an answer whatever it reads. */
  readonly callMs: number
  readonly promptMsPerToken: number
  readonly tokenMs: number
}

export interface Timing {
  readonly loadMs: number
  readonly encoder?: EncoderTiming
  readonly decoder?: DecoderTiming
}

/** Milliseconds of one inference on `batch` texts of `tokens` tokens each. */
export function inferenceMs(timing: EncoderTiming, tokens: number, batch: number): number {
  const { callMs, msPerToken, msPerTokenPair } = timing
  return callMs + batch * (tokens * msPerToken + tokens * tokens * msPerTokenPair)
}

/**
 * Splits texts into inferences as an engine does: by length, or one by one where shapes are static.
 * @param lengths tokens of each text
 * @returns the milliseconds of each inference
 */
export function encodeMs(timing: EncoderTiming, lengths: readonly number[]): number[] {
  const { buckets, maxBatch } = timing
  const sorted = [...lengths].sort((a, b) => a - b)
  const steps: number[] = []
  for (let from = 0; from < sorted.length; from += maxBatch) {
    const group = sorted.slice(from, from + maxBatch)
    const longest = group.at(-1)!
    const padded = buckets ? (buckets.find((bucket) => bucket >= longest) ?? longest) : longest
    steps.push(inferenceMs(timing, padded, group.length))
  }
  return steps
}
