import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { asTandemError, type Embedding, type ModelFile, TandemError } from '../../domain/index.ts'
import type { Engine, LoadedEncoder, LoadSpec } from '../contract.ts'
import { createEncoderTokenizer, type EncoderTokenizer } from '../text/index.ts'
import { onnxruntime } from './descriptor.ts'
import { LoadedOnnxEncoder } from './encoder.ts'
import { type EncoderSession, openSession } from './session.ts'

export const engine: Engine = {
  descriptor: onnxruntime,
  version: () => ort.env.versions.node ?? ort.env.versions.common,
  load,
}

async function load(spec: LoadSpec): Promise<LoadedEncoder> {
  const { model, device, threads } = spec
  const { embedding } = model
  if (device !== 'cpu') throw failed(`it knows the device cpu only, not ${device}`)
  if (spec.task !== 'embed' || !embedding) throw failed(`${model.id} cannot serve ${spec.task} with it`)
  const tokenizer = await loadTokenizer(spec, embedding)
  const weights = await fileOf(spec, (name) => name.endsWith('.onnx'))
  let session: EncoderSession
  try {
    session = await openSession(weights, threads)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    if (/protobuf|load model/i.test(why)) throw bad(weights, why, error)
    throw failed(why, error)
  }
  const encoder = new LoadedOnnxEncoder(session, tokenizer, embedding, model.contextTokens)
  try {
    await encoder.warmUp()
  } catch (error) {
    await encoder.dispose()
    throw asTandemError(error, 'ENGINE_FAILED', { engine: onnxruntime.title })
  }
  return encoder
}

async function loadTokenizer(spec: LoadSpec, embedding: Embedding): Promise<EncoderTokenizer> {
  const file = await fileOf(spec, (name) => name === 'tokenizer.json')
  try {
    return createEncoderTokenizer(await readFile(file, 'utf8'), embedding.text, spec.model.contextTokens)
  } catch (error) {
    throw bad(file, error instanceof Error ? error.message : String(error), error)
  }
}

/** Path of a listed file; its size is compared here, for a cut file fails in many ways later. */
async function fileOf({ model }: LoadSpec, isWanted: (name: string) => boolean): Promise<string> {
  const listed: ModelFile | undefined = model.files.onnx?.find((file) => isWanted(basename(file.path)))
  if (!listed) throw failed(`${model.id} lists no such ONNX file or tokenizer.json`)
  const path = join(model.folder, listed.path)
  const found = await stat(path).catch((error: unknown) => {
    throw bad(path, error instanceof Error ? error.message : String(error), error)
  })
  if (found.size !== listed.sizeBytes)
    throw bad(path, `${found.size} bytes, the manifest says ${listed.sizeBytes}`)
  return path
}

function bad(file: string, why: string, cause?: unknown): TandemError {
  return new TandemError('MODEL_FILE_BAD', { file, why }, { cause })
}

function failed(why: string, cause?: unknown): TandemError {
  return new TandemError('ENGINE_FAILED', { engine: onnxruntime.title, why }, { cause })
}
