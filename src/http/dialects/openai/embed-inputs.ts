/** `input` of an embeddings request, and vectors as its clients want them. Pure. */
import type { Embedding, EmbedInput, EmbedOutput } from '../../../domain/index.ts'
import { TandemError } from '../../../domain/index.ts'
import { refuse } from '../../validate.ts'

const isTokenId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff

function tokenIds(values: readonly unknown[], param: string): readonly number[] {
  if (values.length === 0) refuse(param, 'must hold at least one token id')
  const wrong = values.findIndex((value) => !isTokenId(value))
  if (wrong !== -1) refuse(`${param}.${wrong}`, 'expected a token id, a whole number from 0')
  return values as readonly number[]
}

/**
 * A text, an array of texts, token ids, or an array of token ids.
 * @throws TandemError INVALID_REQUEST naming the element, BATCH_TOO_LARGE
 */
export function embedInputs(input: unknown, maxInputs: number): readonly EmbedInput[] {
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input))
    refuse('input', 'expected a string, an array of strings, token ids, or an array of token ids')
  const values = input as readonly unknown[]
  if (values.length === 0) refuse('input', 'must hold at least one input')
  if (typeof values[0] === 'number') return [tokenIds(values, 'input')]
  if (values.length > maxInputs)
    throw new TandemError('BATCH_TOO_LARGE', { count: values.length, limit: maxInputs }, { param: 'input' })
  const texts = typeof values[0] === 'string'
  return values.map((value, at) => {
    if (texts && typeof value === 'string') return value
    if (!texts && Array.isArray(value)) return tokenIds(value as unknown[], `input.${at}`)
    return refuse(`input.${at}`, texts ? 'expected a string, as the first is' : 'expected token ids')
  })
}

/**
 * @param asked `dimensions` of the request
 * @throws TandemError INVALID_REQUEST with the allowed ones
 */
export function checkDimensions(asked: number | null | undefined, embedding: Embedding | undefined): void {
  if (asked == null || embedding === undefined) return
  const allowed = [embedding.dimensions, ...embedding.shorterDimensions]
  if (!allowed.includes(asked)) refuse('dimensions', `${asked} is not one of ${allowed.join(', ')}`)
}

/** The leading `dimensions` of a vector, made unit length again. */
function shorten(vector: Float32Array, dimensions: number): Float32Array {
  const short = vector.slice(0, dimensions)
  const norm = Math.sqrt(short.reduce((sum, x) => sum + x * x, 0))
  return norm > 0 ? short.map((x) => x / norm) : short
}

/** @returns one vector per input, each a view or a copy of `dimensions` numbers */
export function rows(output: EmbedOutput, dimensions: number): Float32Array[] {
  return output.tokens.map((_, at) => {
    const row = output.vectors.subarray(at * output.dimensions, (at + 1) * output.dimensions)
    return dimensions < output.dimensions ? shorten(row, dimensions) : row
  })
}

/** Little-endian float32, as every platform that Node supports here keeps it in memory. */
export function toBase64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}
