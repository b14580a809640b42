import type { DecoderLoad, DecoderShape, MemoryNeed } from '../../domain/index.ts'
import { hostBuffers, layerBuffers, resultBytes, visitingBytes } from './compute.ts'
import { cacheBytes } from './kv-cache.ts'

export interface DecoderEngine {
  /** Of the worker process itself. */
  readonly processBytes: number
  /** Most tokens of one prompt that are read at once. */
  readonly batchTokens: number
  /** File of a projector of images that is opened beside the model. */
  readonly projectorBytes?: number | undefined
  /** A model that drafts, on the same device. */
  readonly draft?: DecoderShape | undefined
}

/** What reading a picture takes besides the projector's weights: a share of them, and at least so much (estimates). */
const PROJECTOR_SHARE = 0.25
const PROJECTOR_LEAST = 128 * 1024 ** 2

/** A projector with its context, in bytes; 0: there is none. */
export function projectorNeed({ projectorBytes }: Pick<DecoderEngine, 'projectorBytes'>): number {
  if (!projectorBytes) return 0
  return projectorBytes + Math.max(PROJECTOR_LEAST, PROJECTOR_SHARE * projectorBytes)
}

/**
 * Memory that a decoder takes when it is opened so.
 * @param onCpu the device is the CPU: all is in the system's memory
 */
export function decoderNeed(
  shape: DecoderShape,
  load: DecoderLoad,
  engine: DecoderEngine,
  onCpu: boolean,
): MemoryNeed {
  // each slot may decode one token beside the prompt that is read
  const size = { ...load, batchTokens: engine.batchTokens + load.slots }
  const cache = cacheBytes(shape, size)
  const { layerBytes, expertBytes, inputBytes, outputBytes, tiedBytes } = shape
  const layers = layerBytes.length
  const first = onCpu ? layers : Math.max(0, layers + 1 - load.gpuLayers)
  const hasHead = !onCpu && load.gpuLayers > 0
  const device = { weights: hasHead ? outputBytes + tiedBytes : 0, kv: 0 }
  const host = { weights: inputBytes + (hasHead ? 0 : outputBytes), kv: 0 }
  const draft = draftNeed(load, engine, onCpu)
  const draftBytes = draft ? { draftBytes: draft.deviceBytes } : {}
  let largest = 0 // of what a layer has in the system's memory
  for (let layer = 0; layer < layers; layer++) {
    const experts = expertBytes[layer] ?? 0
    const own = layerBytes[layer]!
    const left = layer < first ? own + experts : layer < load.cpuExpertLayers ? experts : 0
    host.weights += left
    device.weights += own + experts - left
    largest = Math.max(largest, left)
    const side = layer < first ? host : device
    side.kv += cache[layer]!
  }
  if (onCpu) {
    const computeBytes = layerBuffers(shape, size, true) + resultBytes(shape, size)
    const beside = projectorNeed(engine) + (draft?.hostBytes ?? 0)
    const hostBytes = host.weights + host.kv + computeBytes + engine.processBytes + beside
    const [weightBytes, kvBytes] = [host.weights, host.kv]
    return { deviceBytes: hostBytes, hostBytes, weightBytes, kvBytes, computeBytes, ...draftBytes }
  }
  const computeBytes = layerBuffers(shape, size, hasHead) + visitingBytes(largest)
  const besideIt = hostBuffers(shape, size) + resultBytes(shape, size)
  return {
    deviceBytes:
      device.weights + device.kv + computeBytes + projectorNeed(engine) + (draft?.deviceBytes ?? 0),
    hostBytes: host.weights + host.kv + besideIt + engine.processBytes + (draft?.hostBytes ?? 0),
    weightBytes: device.weights,
    kvBytes: device.kv,
    computeBytes,
    ...draftBytes,
  }
}

/** llama-server gives it the windows of all slots, keeps its cache in f16, and nothing of it elsewhere. */
function draftNeed(
  { contextTokens, slots }: DecoderLoad,
  { draft, batchTokens }: DecoderEngine,
  onCpu: boolean,
): MemoryNeed | undefined {
  if (!draft) return undefined
  const gpuLayers = onCpu ? 0 : draft.layerBytes.length + 1
  const load: DecoderLoad = { contextTokens, slots, kvType: 'f16', gpuLayers, cpuExpertLayers: 0 }
  return decoderNeed(draft, load, { processBytes: 0, batchTokens }, onCpu)
}
