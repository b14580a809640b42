import { type EmbedInput, type ScoreInput, TandemError } from '../../domain/index.ts'
import type { Encoded, EncoderTokenizer } from '../text/index.ts'
import type { TokenRow } from './session.ts'
import { turn } from './turn.ts'

/** Tokenizing goes on for so long before other messages of the process get their turn. */
const TURN_MS = 10

/** A row that says whether it was cut. */
export type EncodedRow = TokenRow & Pick<Encoded, 'truncated'>

/**
 * Texts and token ids as rows of a model.
 * @throws TandemError INVALID_REQUEST (no token id of the model; `param` names the input), CANCELLED
 */
export function tokenize(
  tokenizer: EncoderTokenizer,
  inputs: readonly EmbedInput[],
  purpose: 'query' | 'passage',
  signal: AbortSignal,
): Promise<EncodedRow[]> {
  const encode = (input: EmbedInput, index: number): EncodedRow =>
    typeof input === 'string' ? tokenizer.encode(input, purpose) : wrap(tokenizer, input, index)
  return inTurns(inputs, encode, signal)
}

/**
 * Texts and pairs as rows of a model.
 * @throws TandemError CANCELLED
 */
export function tokenizeScored(
  tokenizer: EncoderTokenizer,
  inputs: readonly ScoreInput[],
  maxTextTokens: number | undefined,
  signal: AbortSignal,
): Promise<EncodedRow[]> {
  const encode = (input: ScoreInput): EncodedRow =>
    typeof input === 'string'
      ? tokenizer.encode(input, 'passage')
      : tokenizer.encodePair(input.query, input.text, maxTextTokens)
  return inTurns(inputs, encode, signal)
}

async function inTurns<T>(
  inputs: readonly T[],
  encode: (input: T, index: number) => EncodedRow,
  signal: AbortSignal,
): Promise<EncodedRow[]> {
  const encoded: EncodedRow[] = []
  let turnEnds = performance.now() + TURN_MS
  for (const [index, input] of inputs.entries()) {
    if (performance.now() > turnEnds) {
      await turn(signal)
      turnEnds = performance.now() + TURN_MS
    }
    encoded.push(encode(input, index))
  }
  return encoded
}

function wrap(tokenizer: EncoderTokenizer, ids: readonly number[], index: number): Encoded {
  const limit = tokenizer.vocabularySize
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= limit)
  if (wrong === undefined) return tokenizer.wrap(ids)
  const what = `input: ${wrong} is not a token id of this model; allowed: 0 to ${limit - 1}`
  throw new TandemError('INVALID_REQUEST', { what }, { param: `input.${index}` })
}
