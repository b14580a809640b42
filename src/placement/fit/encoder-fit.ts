import type { EncoderShape, Fit, Footprint, MemoryNeed } from '../../domain/index.ts'
import { doesNotFit, hostBytes, inGib, type Places, shortage } from './words.ts'

export interface EncoderWish {
  readonly places: Places
  readonly shape: EncoderShape
  readonly footprint: Footprint
  /** Read at once: the longest text, or a batch of short ones. */
  readonly batchTokens: number
  /** Kept by its server beside the weights. */
  readonly cacheBytes: number
}

/** Whether an encoder fits; there is nothing in it that could be given up. */
export function fitEncoder(wish: EncoderWish): Fit {
  const need = encoderNeed(wish)
  const short = shortage(wish.places, need)
  return short ? { fits: false, reason: reason(wish, need, short) } : { fits: true, need, traded: [] }
}

function reason({ places, footprint }: EncoderWish, need: MemoryNeed, short: 'device' | 'host'): string {
  const cache = need.kvBytes > 0 ? [`${inGib(need.kvBytes)} KV cache`] : []
  const parts = [`${inGib(need.weightBytes)} weights`, ...cache, `${inGib(need.computeBytes)} buffers`]
  if (short === 'device') return doesNotFit(need.deviceBytes, parts, places.device)
  const process = `${inGib(footprint.processBytes)} process`
  const hostParts = places.onCpu || places.shared ? [...parts, process] : [process]
  return doesNotFit(hostBytes(places, need), hostParts, places.host, " of the system's memory")
}

function encoderNeed(wish: EncoderWish): MemoryNeed {
  const { shape, footprint, batchTokens, cacheBytes } = wish
  const { onCpu } = wish.places
  const weightBytes = shape.weightBytes * (footprint.weightCopies ?? 1)
  const widest = 4 * shape.hidden + shape.feedForward + shape.heads * batchTokens
  const computeBytes = batchTokens * widest * 4 * (footprint.activationCopies ?? 1)
  const loaded = weightBytes + cacheBytes + computeBytes
  const host = footprint.processBytes + (onCpu ? loaded : 0)
  return {
    deviceBytes: onCpu ? host : loaded,
    hostBytes: host,
    weightBytes,
    kvBytes: cacheBytes,
    computeBytes,
  }
}
