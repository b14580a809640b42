import * as ort from 'onnxruntime-node'
import { TandemError } from '../../domain/index.ts'
import type { Engine, LoadedEncoder, LoadSpec } from '../contract.ts'
import { badFile, Embedder, type EncoderSession, modelFiles } from '../encoder/index.ts'
import { onnxruntime } from './descriptor.ts'
import { openSession } from './session.ts'

export const engine: Engine = {
  descriptor: onnxruntime,
  version: () => ort.env.versions.node ?? ort.env.versions.common,
  load,
}

async function load({ model, device, threads, task }: LoadSpec): Promise<LoadedEncoder> {
  const { embedding } = model
  if (device !== 'cpu') throw failed(`it knows the device cpu only, not ${device}`)
  if (task !== 'embed' || !embedding) throw failed(`${model.id} cannot serve ${task} with it`)
  const files = modelFiles(onnxruntime, model, 'onnx')
  const tokenizer = await files.tokenizer()
  const weights = await files.find('.onnx file', (name) => name.endsWith('.onnx'))
  const session = await open(weights, threads)
  return new Embedder(onnxruntime, session, tokenizer, embedding, model.contextTokens)
}

async function open(weights: string, threads: number): Promise<EncoderSession> {
  try {
    return await openSession(weights, threads)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw /protobuf|load model/i.test(why) ? badFile(weights, error) : failed(why, error)
  }
}

function failed(why: string, cause?: unknown): TandemError {
  return new TandemError('ENGINE_FAILED', { engine: onnxruntime.title, why }, { cause })
}
