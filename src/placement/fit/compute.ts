import type { DecoderShape } from '../../domain/index.ts'
import { type CacheSize, cellsOf } from './kv-cache.ts'

/** Intermediate results are 32-bit. */
const FLOAT = 4
/** The mask of attention is 16-bit. */
const MASK = 2

/**
 * Bytes for intermediate results of the processor that computes layers, as llama.cpp reserves them for its largest
 * batch: the widest moment of a layer, or of the output head where it computes that too.
 */
export function layerBuffers(shape: DecoderShape, size: CacheSize, hasHead: boolean): number {
  const { hidden, feedForward, vocabulary, experts } = shape
  const dense = 3 * feedForward
  const mixture = experts ? experts.used * (hidden + 3 * experts.feedForward) + hidden : 0
  const layer = (Math.max(dense, mixture) + 3 * hidden) * FLOAT + maskCells(shape, size) * MASK
  const head = hasHead ? (vocabulary + 2 * hidden) * FLOAT : 0
  return size.batchTokens * Math.max(layer, head)
}

/** Bytes in the system's memory beside a device: its inputs and the mask. */
export function hostBuffers(shape: DecoderShape, size: CacheSize): number {
  return size.batchTokens * (maskCells(shape, size) * MASK + 2 * shape.hidden * FLOAT)
}

/** Bytes of the results that each slot keeps, in the system's memory. */
export function resultBytes({ vocabulary }: DecoderShape, { slots }: CacheSize): number {
  return slots * vocabulary * FLOAT
}

/**
 * Bytes on a device for layers that are not on it: long prompts are computed there all the same, so their largest
 * tensors visit.
 * @param largest of what a layer has elsewhere
 */
export function visitingBytes(largest: number): number {
  return 0.4 * largest
}

/** One row of each mask: of layers that see all, and of layers with a window. */
function maskCells(shape: DecoderShape, size: CacheSize): number {
  const window = shape.windows?.find((each) => each !== undefined)
  return cellsOf(size) + (window === undefined ? 0 : cellsOf(size, window))
}
