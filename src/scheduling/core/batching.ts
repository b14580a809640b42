import type { Limits, Part, Request } from './state.ts'

/**
 * Takes a batch from waiting requests: the first one's inputs, then those of the others of its kind, in order of
 * arrival, until the padded size (longest x count) is reached. A head that is too large goes alone.
 * @param waiting with pending inputs, oldest first, at least one
 */
export function takeBatch(waiting: readonly Request[], limits: Limits, maxTokens: number): Part[] {
  const parts: Part[] = []
  const kind = waiting[0]?.kind
  let longest = 0
  let count = 0
  for (const request of waiting) {
    if (request.kind !== kind || (count > 0 && request.alone)) continue
    const inputs: number[] = []
    for (const index of request.pending) {
      const padded = Math.max(longest, request.tokens[index] ?? 1)
      if (count > 0 && (padded * (count + 1) > maxTokens || count === limits.batchInputs)) break
      longest = padded
      count += 1
      inputs.push(index)
    }
    if (inputs.length > 0) parts.push({ request: request.id, inputs })
    if (inputs.length < request.pending.length || request.alone) break
  }
  return parts
}
