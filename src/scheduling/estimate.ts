import type { EmbedInput } from '../domain/index.ts'

/** Code has about three characters a token; both ends of an input take one. */
const CHARS_PER_TOKEN = 3
const SPECIAL_TOKENS = 2

/** Tokens of an input, near enough to form batches: the main process never tokenizes. */
export function estimateTokens(input: EmbedInput, maxTokens: number): number {
  const own = typeof input === 'string' ? Math.ceil(input.length / CHARS_PER_TOKEN) : input.length
  return Math.min(maxTokens, own + SPECIAL_TOKENS)
}
