import type { Pooling } from '../../domain/index.ts'

/**
 * Makes one vector of each row of token states and writes it to `out`.
 * @param states row-major [rows, width, dimensions]
 * @param lengths tokens of each row; the rest of its width is padding
 * @param targets row of `out` (row-major [any, dimensions]) for each row
 */
export function poolRows(
  states: Float32Array,
  width: number,
  dimensions: number,
  lengths: readonly number[],
  pooling: Pooling,
  normalize: boolean,
  out: Float32Array,
  targets: readonly number[],
): void {
  for (let row = 0; row < lengths.length; row++) {
    const length = lengths[row]!
    const to = targets[row]! * dimensions
    const vector = out.subarray(to, to + dimensions)
    const first = pooling === 'last' ? length - 1 : 0
    const end = pooling === 'cls' ? 1 : length
    vector.fill(0)
    for (let token = first; token < end; token++) {
      const from = (row * width + token) * dimensions
      for (let d = 0; d < dimensions; d++) vector[d]! += states[from + d]!
    }
    scale(vector, end - first, normalize)
  }
}

/**
 * Copies vectors to their rows of `out`.
 * @param vectors row-major [any, dimensions]
 * @param targets row of `out` (row-major [any, dimensions]) for each
 */
export function placeRows(
  vectors: Float32Array,
  dimensions: number,
  out: Float32Array,
  targets: readonly number[],
): void {
  for (const [row, target] of targets.entries())
    out.set(vectors.subarray(row * dimensions, (row + 1) * dimensions), target * dimensions)
}

function scale(vector: Float32Array, count: number, normalize: boolean): void {
  let squares = 0
  for (let d = 0; d < vector.length; d++) squares += vector[d]! * vector[d]!
  const factor = normalize ? (squares > 0 ? 1 / Math.sqrt(squares) : 0) : 1 / count
  for (let d = 0; d < vector.length; d++) vector[d]! *= factor
}
