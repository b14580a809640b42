import type { EncoderShape, Fit, Footprint, MemoryNeed } from '../../domain/index.ts'
import { doesNotFit, holds, inGib, type Room } from './words.ts'

export interface EncoderWish {
  readonly shape: EncoderShape
  readonly footprint: Footprint
  readonly onCpu: boolean
  /** What the device takes is taken from the system's memory. */
  readonly shared: boolean
  readonly device: Room
  readonly host: Room
  /** Read at once: the longest text, or a batch of short ones. */
  readonly batchTokens: number
}

/** Whether an encoder fits; there is nothing in it that could be given up. */
export function fitEncoder(wish: EncoderWish): Fit {
  const need = encoderNeed(wish)
  const parts = [`${inGib(need.weightBytes)} weights`, `${inGib(need.computeBytes)} buffers`]
  const process = `${inGib(wish.footprint.processBytes)} process`
  if (!wish.onCpu && !holds(wish.device, need.deviceBytes))
    return { fits: false, reason: doesNotFit(need.deviceBytes, parts, wish.device) }
  const host = need.hostBytes + (wish.shared && !wish.onCpu ? need.deviceBytes : 0)
  const hostParts = wish.onCpu || wish.shared ? [...parts, process] : [process]
  if (!holds(wish.host, host))
    return { fits: false, reason: doesNotFit(host, hostParts, wish.host, " of the system's memory") }
  return { fits: true, need, traded: [] }
}

function encoderNeed({ shape, footprint, onCpu, batchTokens }: EncoderWish): MemoryNeed {
  const weightBytes = shape.weightBytes * (footprint.weightCopies ?? 1)
  const widest = 4 * shape.hidden + shape.feedForward + shape.heads * batchTokens
  const computeBytes = batchTokens * widest * 4 * (footprint.activationCopies ?? 1)
  const loaded = weightBytes + computeBytes
  const hostBytes = footprint.processBytes + (onCpu ? loaded : 0)
  return { deviceBytes: onCpu ? hostBytes : loaded, hostBytes, weightBytes, kvBytes: 0, computeBytes }
}
