/** What every dialect does with the vectors of an embedding. Pure. */
import type { Embedding, EmbedOutput } from '../../domain/index.ts'
import { refuse } from '../validate.ts'

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
