import { freemem } from 'node:os'
import * as ort from 'onnxruntime-node'
import { TandemError } from '../../domain/index.ts'
import type { Engine, LoadedEncoder, LoadedScorer, LoadSpec } from '../contract.ts'
import { badFile, type EncoderSession, loadEncoder, modelFiles, openReopening } from '../encoder/index.ts'
import { onnxruntime } from './descriptor.ts'
import { laneThreads } from './lanes.ts'
import { openSession, type SessionSpec } from './session.ts'

export const engine: Engine = {
  descriptor: onnxruntime,
  version: () => ort.env.versions.node ?? ort.env.versions.common,
  load,
}

async function load(spec: LoadSpec): Promise<LoadedEncoder | LoadedScorer> {
  const { model, device, threads } = spec
  if (device !== 'cpu') throw failed(`it knows the device cpu only, not ${device}`)
  const files = modelFiles(onnxruntime, model, 'onnx')
  return loadEncoder(onnxruntime, spec, files, async (output, pooling) => {
    const weights = await files.find('.onnx file', (name) => name.endsWith('.onnx'))
    const weightBytes = model.files.onnx!.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    return openReopening(threads, (wanted) =>
      open({ file: weights, output, pooling }, laneThreads(wanted, weightBytes, freeBytes())),
    )
  })
}

/** Of the system, or of the container. */
function freeBytes(): number {
  return Math.min(freemem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}

async function open(spec: SessionSpec, lanes: readonly number[]): Promise<EncoderSession> {
  try {
    return await openSession(spec, lanes)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw /protobuf|load model/i.test(why) ? badFile(spec.file, error) : failed(why, error)
  }
}

function failed(why: string, cause?: unknown): TandemError {
  return new TandemError('ENGINE_FAILED', { engine: onnxruntime.title, why }, { cause })
}
