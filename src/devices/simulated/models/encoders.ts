/** A reranker and a classifier as people run them. */
import type { EncoderShape, Model } from '../../../domain/index.ts'
import type { SimulatedModel } from '../machine.ts'

interface EncoderSpec {
  readonly head: Pick<Model, 'id' | 'title' | 'license' | 'tasks' | 'rerank' | 'classify'>
  readonly parameters: number
  readonly layers: number
  readonly hidden: number
  readonly feedForward: number
  readonly heads: number
}

/** An encoder of 512 tokens in int8: a byte for each parameter. */
function encoderModel({ head, ...sizes }: EncoderSpec): SimulatedModel {
  const weightBytes = sizes.parameters
  const files = (names: readonly string[]) =>
    names.map((path, at) => ({ path, sizeBytes: at === 0 ? weightBytes : 1_000_000, sha256: '' }))
  const shape: EncoderShape = { kind: 'encoder', weightBits: 8, weightBytes, ...sizes }
  const model: Model = {
    ...head,
    title: `${head.title} (simulated: no file of it is here)`,
    revision: 'simulated',
    parameters: sizes.parameters,
    contextTokens: 512,
    files: {
      onnx: files(['onnx/model_quantized.onnx', 'tokenizer.json']),
      'openvino-ir': files(['openvino/openvino_model.bin', 'openvino/openvino_model.xml', 'tokenizer.json']),
    },
    folder: '',
    fingerprint: `simulated-${head.id}`,
  }
  return { model, shape, source: 'published configuration of the model; a byte for each parameter' }
}

export const bgeReranker = encoderModel({
  head: {
    id: 'bge-reranker-base',
    title: 'BGE reranker, base',
    license: 'MIT',
    tasks: ['rerank'],
    rerank: { activation: 'sigmoid' },
  },
  parameters: 278_044_417,
  layers: 12,
  hidden: 768,
  feedForward: 3072,
  heads: 12,
})

export const sentimentClassifier = encoderModel({
  head: {
    id: 'distilbert-sst2',
    title: 'DistilBERT for the tone of an English text',
    license: 'Apache-2.0',
    tasks: ['classify'],
    classify: { labels: ['negative', 'positive'], multiLabel: false },
  },
  parameters: 66_955_010,
  layers: 6,
  hidden: 768,
  feedForward: 3072,
  heads: 12,
})
