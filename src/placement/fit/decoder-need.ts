import type { DecoderLoad, DecoderShape, MemoryNeed } from '../../domain/index.ts'
import { hostBuffers, layerBuffers, resultBytes, visitingBytes } from './compute.ts'
import { cacheBytes } from './kv-cache.ts'

export interface DecoderEngine {
  /** Of the worker process itself. */
  readonly processBytes: number
  /** Most tokens of one prompt that are read at once. */
  readonly batchTokens: number
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
  const layers = shape.layerBytes.length
  const whole = shape.layerBytes.map((bytes, layer) => bytes + (shape.expertBytes[layer] ?? 0))
  if (onCpu) {
    const weightBytes = sum(whole) + shape.inputBytes + shape.outputBytes
    const computeBytes = layerBuffers(shape, size, true) + resultBytes(shape, size)
    const kvBytes = sum(cache)
    const hostBytes = weightBytes + kvBytes + computeBytes + engine.processBytes
    return { deviceBytes: hostBytes, hostBytes, weightBytes, kvBytes, computeBytes }
  }
  const first = Math.max(0, layers + 1 - load.gpuLayers)
  const onDevice = whole.map((bytes, layer) =>
    layer < first ? 0 : layer < load.cpuExpertLayers ? (shape.layerBytes[layer] ?? 0) : bytes,
  )
  const onHost = whole.map((bytes, layer) => bytes - onDevice[layer]!)
  const hasHead = load.gpuLayers > 0
  const headBytes = shape.outputBytes + shape.tiedBytes
  const weights = {
    device: sum(onDevice) + (hasHead ? headBytes : 0),
    host: sum(onHost) + shape.inputBytes + (hasHead ? 0 : shape.outputBytes),
  }
  const compute = {
    device: layerBuffers(shape, size, hasHead) + visitingBytes(onHost),
    host: hostBuffers(shape, size) + resultBytes(shape, size),
  }
  const kv = { device: sum(cache.slice(first)), host: sum(cache.slice(0, first)) }
  return {
    deviceBytes: weights.device + kv.device + compute.device,
    hostBytes: weights.host + kv.host + compute.host + engine.processBytes,
    weightBytes: weights.device,
    kvBytes: kv.device,
    computeBytes: compute.device,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
