import type { DecoderShape, EncoderShape, ModelShape } from '../../domain/index.ts'
import type { GgufHeader, GgufTensor } from '../layouts/gguf-header.ts'
import { kvPerToken, type OwnKeys, ownKeys, stateBytes, windows } from './attention.ts'
import { tensorBytes } from './ggml-types.ts'

/** Architectures that read a whole text and write none. */
const ENCODERS =
  /^(bert|nomic-bert|nomic-bert-moe|neo-bert|modern-bert|jina-bert-v[23]|eurobert|t5encoder|gemma-embedding)$/
const MAX_LAYERS = 4096

/**
 * The shape of a model from the header of its GGUF file, or from those of its parts, the first first.
 * @throws RangeError saying what is missing or unknown
 */
export function shapeOfGguf(headers: readonly GgufHeader[]): ModelShape {
  const [header] = headers
  if (!header) throw new RangeError('no header')
  const layers = Number(header.values.get(`${header.architecture}.block_count`) ?? 0)
  if (!Number.isInteger(layers) || layers < 1 || layers > MAX_LAYERS)
    throw new RangeError(`its header says ${header.architecture}.block_count ${layers}`)
  const tensors = headers.flatMap((each) => each.tensors)
  const keys = ownKeys(header, layers)
  const parameters = headers.reduce((sum, each) => sum + each.parameters, 0)
  return ENCODERS.test(header.architecture)
    ? encoderShape(keys, tensors, layers, parameters)
    : decoderShape(keys, tensors, layers, parameters)
}

function decoderShape(
  keys: OwnKeys,
  tensors: readonly GgufTensor[],
  layers: number,
  parameters: number,
): DecoderShape {
  const layerBytes = new Array<number>(layers).fill(0)
  const expertBytes = new Array<number>(layers).fill(0)
  let inputBytes = 0
  let outputBytes = 0
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor)
    const layer = layerOf(tensor)
    if (layer !== undefined && layer < layers) {
      const target = /_(ch)?exps\./.test(tensor.name) ? expertBytes : layerBytes
      target[layer] = target[layer]! + bytes
    } else if (isInput(tensor)) inputBytes += bytes
    else outputBytes += bytes
  }
  const embeddings = tensors.find(({ name }) => name === 'token_embd.weight')
  const hasHead = tensors.some(({ name }) => name === 'output.weight')
  const kv = kvPerToken(keys, layers)
  const lookBack = windows(keys, layers)
  const states = stateBytes(keys, kv)
  const experts = keys.number('expert_count')
  return {
    kind: 'decoder',
    architecture: keys.architecture,
    parameters,
    contextTokens: keys.number('context_length'),
    hidden: keys.number('embedding_length'),
    feedForward: Math.max(...keys.perLayer('feed_forward_length', 0)),
    vocabulary: embeddings?.shape[1] ?? 0,
    heads: Math.max(...keys.perLayer('attention.head_count', 0)),
    layerBytes,
    expertBytes,
    inputBytes,
    outputBytes,
    tiedBytes: embeddings && !hasHead ? bytesOf(embeddings) : 0,
    kvPerToken: kv,
    ...(lookBack ? { windows: lookBack } : {}),
    ...(states ? { stateBytes: states } : {}),
    ...(experts > 0
      ? {
          experts: {
            count: experts,
            used: keys.number('expert_used_count', 1),
            feedForward: keys.number('expert_feed_forward_length', keys.number('feed_forward_length')),
          },
        }
      : {}),
  }
}

function encoderShape(
  keys: OwnKeys,
  tensors: readonly GgufTensor[],
  layers: number,
  parameters: number,
): EncoderShape {
  const weightBytes = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0)
  return {
    kind: 'encoder',
    parameters,
    weightBytes,
    layers,
    hidden: keys.number('embedding_length'),
    feedForward: keys.number('feed_forward_length'),
    heads: keys.number('attention.head_count'),
    weightBits: nearestBits((weightBytes * 8) / parameters),
  }
}

/** The usual width of a weight that is nearest to a mean. */
export function nearestBits(mean: number): number {
  return [4, 8, 16, 32].reduce((best, bits) =>
    Math.abs(Math.log(bits / mean)) < Math.abs(Math.log(best / mean)) ? bits : best,
  )
}

function bytesOf({ name, type, shape }: GgufTensor): number {
  const bytes = tensorBytes(type, shape)
  if (bytes === undefined) throw new RangeError(`the tensor ${name} is of the unknown type ${type}`)
  return bytes
}

function layerOf({ name }: GgufTensor): number | undefined {
  const found = /^blk\.(\d+)\./.exec(name)?.[1]
  return found === undefined ? undefined : Number(found)
}

/** llama.cpp keeps these in the system's memory whatever the device. */
function isInput({ name }: GgufTensor): boolean {
  return /^(token_embd|position_embd|token_types|per_layer_token_embd)\./.test(name)
}
