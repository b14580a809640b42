import type { EmbedInput, ScoreInput } from '../domain/index.ts'

/** Code has about three characters a token; both ends of an input take one. */
const CHARS_PER_TOKEN = 3
const SPECIAL_TOKENS = 2

/** Tokens of an input, near enough to form batches: the main process never tokenizes. */
export function estimateTokens(input: EmbedInput | ScoreInput, maxTokens: number): number {
  return Math.min(maxTokens, ownTokens(input) + SPECIAL_TOKENS)
}

function ownTokens(input: EmbedInput | ScoreInput): number {
  if (typeof input === 'string') return Math.ceil(input.length / CHARS_PER_TOKEN)
  return 'text' in input
    ? Math.ceil((input.query.length + input.text.length) / CHARS_PER_TOKEN)
    : input.length
}
