/** `input` of an embeddings request, and vectors as its clients want them. Pure. */
import type { EmbedInput } from '../../../domain/index.ts'
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

/** Little-endian float32, as every platform that Node supports here keeps it in memory. */
export function toBase64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}
