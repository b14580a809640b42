import type { Limits, Part, Request } from './state.ts'

/** Inputs up to so many tokens are alike in what they cost. */
const SHORT = 32
/** Of the longest and the shortest input in a batch. */
const ALIKE = 2

export interface Taken {
  readonly parts: readonly Part[]
  /** Longest x count. */
  readonly paddedTokens: number
}

/**
 * Takes a batch from waiting requests: the first one's inputs, then those of the others of its kind and of about its
 * length, in their order, until the padded size is reached. A head that is too large goes alone.
 * @param waiting with pending inputs, the next first, at least one
 */
export function takeBatch(waiting: readonly Request[], limits: Limits, maxTokens: number): Taken {
  const parts: Part[] = []
  const kind = waiting[0]?.kind
  let longest = 0
  let shortest = Number.POSITIVE_INFINITY
  let count = 0
  for (const request of waiting) {
    if (request.kind !== kind || (count > 0 && request.alone)) continue
    const inputs: number[] = []
    for (const index of request.pending) {
      const tokens = request.tokens[index] ?? 1
      const long = Math.max(longest, tokens)
      const short = Math.min(shortest, tokens)
      if (count > 0) {
        if (count === limits.batchInputs || long * (count + 1) > maxTokens) break
        if (Math.max(SHORT, long) > ALIKE * Math.max(SHORT, short)) break
      }
      longest = long
      shortest = short
      count += 1
      inputs.push(index)
    }
    if (inputs.length > 0) parts.push({ request: request.id, inputs })
    if (count === limits.batchInputs || request.alone) break
  }
  return { parts, paddedTokens: longest * count }
}
