import type { DecoderShape, KvType } from '../../domain/index.ts'

/** Bytes of one number in the cache. */
export const KV_BYTES: Readonly<Record<KvType, number>> = { f16: 2, q8_0: 34 / 32, q4_0: 18 / 32 }
/** Numbers that a quantized cache packs together. */
export const KV_BLOCK = 32
/** llama.cpp rounds a window up to so many cells. */
const CELLS = 256

export interface CacheSize {
  readonly contextTokens: number
  readonly slots: number
  readonly kvType: KvType
  /** Tokens read at once: a layer with a window keeps them besides it. */
  readonly batchTokens: number
}

/** Bytes that each layer keeps, for all slots: keys and values, or a recurrent layer's state. */
export function cacheBytes(shape: DecoderShape, size: CacheSize): number[] {
  const perNumber = KV_BYTES[size.kvType]
  return shape.kvPerToken.map(({ keys, values }, layer) => {
    const cells = cellsOf(size, shape.windows?.[layer])
    const state = shape.stateBytes?.[layer] ?? 0
    return size.slots * (cells * (keys + values) * perNumber + state)
  })
}

/** Tokens for which a layer has room, in one slot. */
export function cellsOf({ contextTokens, batchTokens }: CacheSize, window?: number): number {
  const cells = Math.ceil(contextTokens / CELLS) * CELLS
  if (window === undefined) return cells
  return Math.min(cells, Math.ceil((window + batchTokens + 1) / CELLS) * CELLS)
}

/** Whether a model's heads can be quantized: llama.cpp refuses rows that its blocks do not divide. */
export function canQuantizeCache({ kvPerToken }: DecoderShape): boolean {
  return kvPerToken.every(({ keys, values }) => keys % KV_BLOCK === 0 && values % KV_BLOCK === 0)
}
