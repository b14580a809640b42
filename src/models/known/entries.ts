import type { z } from 'zod'
import type { KnownModel } from './schema.ts'

/** Repositories of which one choice of files suits every machine that can hold them. */
const Q4 = ['*q4_k_m*']

/**
 * Models that `tandem pull` knows by a short name. Repositories are checked when one is pulled, and what their own files
 * say wins over what stands here.
 */
export const ENTRIES: readonly z.input<typeof KnownModel>[] = [
  {
    id: 'bge-small',
    title: 'small English text-embedding model',
    tasks: ['embed'],
    parameters: 33_400_000,
    license: 'mit',
    devices: ['npu', 'igpu', 'cpu'],
    embedding: {
      pooling: 'cls',
      normalize: true,
      queryPrefix: 'Represent this sentence for searching relevant passages: ',
    },
    sources: [{ format: 'onnx', repository: 'BAAI/bge-small-en-v1.5' }],
  },
  {
    id: 'bge-base',
    title: 'English text-embedding model of medium size',
    tasks: ['embed'],
    parameters: 109_000_000,
    license: 'mit',
    devices: ['npu', 'igpu', 'dgpu', 'cpu'],
    embedding: {
      pooling: 'cls',
      normalize: true,
      queryPrefix: 'Represent this sentence for searching relevant passages: ',
    },
    sources: [
      { format: 'onnx', repository: 'BAAI/bge-base-en-v1.5' },
      { format: 'openvino-ir', repository: 'OpenVINO/bge-base-en-v1.5-int8-ov' },
    ],
  },
  {
    id: 'e5-small',
    title: 'small English text-embedding model for queries and passages',
    tasks: ['embed'],
    parameters: 33_400_000,
    license: 'mit',
    devices: ['npu', 'igpu', 'cpu'],
    embedding: { pooling: 'mean', normalize: true, queryPrefix: 'query: ', passagePrefix: 'passage: ' },
    sources: [
      { format: 'onnx', repository: 'intfloat/e5-small-v2' },
      { format: 'openvino-ir', repository: 'intfloat/e5-small-v2' },
    ],
  },
  {
    id: 'nomic-embed-text',
    title: 'English text-embedding model for long texts',
    tasks: ['embed'],
    parameters: 137_000_000,
    license: 'apache-2.0',
    devices: ['igpu', 'dgpu', 'cpu'],
    embedding: {
      pooling: 'mean',
      normalize: true,
      queryPrefix: 'search_query: ',
      passagePrefix: 'search_document: ',
    },
    sources: [
      { format: 'onnx', repository: 'nomic-ai/nomic-embed-text-v1.5' },
      { format: 'gguf', repository: 'nomic-ai/nomic-embed-text-v1.5-GGUF', files: ['*q8_0*'] },
    ],
  },
  {
    id: 'jina-code-embeddings',
    title: 'code-embedding model made from a decoder, for questions about code',
    tasks: ['embed'],
    parameters: 494_000_000,
    license: 'cc-by-nc-4.0',
    devices: ['dgpu', 'igpu', 'cpu'],
    embedding: {
      pooling: 'last',
      normalize: true,
      queryPrefix: 'Find the most relevant code snippet given the following query:\n',
      passagePrefix: 'Candidate code snippet:\n',
    },
    sources: [{ format: 'gguf', repository: 'jinaai/jina-code-embeddings-0.5b-GGUF', files: ['*q8_0*'] }],
  },
  {
    id: 'qwen3-embedding-0.6b',
    title: 'multilingual text and code embedding model made from a decoder',
    tasks: ['embed'],
    parameters: 596_000_000,
    license: 'apache-2.0',
    devices: ['dgpu', 'igpu', 'cpu'],
    embedding: {
      pooling: 'last',
      normalize: true,
      queryPrefix:
        'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:',
    },
    sources: [
      // plain 8-bit quantization is known to cost decoders much of their vectors' quality
      { format: 'onnx', repository: 'onnx-community/Qwen3-Embedding-0.6B-ONNX', files: ['onnx/model.onnx'] },
      { format: 'openvino-ir', repository: 'OpenVINO/Qwen3-Embedding-0.6B-int8-ov' },
      { format: 'gguf', repository: 'Qwen/Qwen3-Embedding-0.6B-GGUF', files: ['*q8_0*'] },
    ],
  },
  {
    id: 'bge-reranker-base',
    title: 'English and Chinese cross-encoder that ranks passages for a query',
    tasks: ['rerank'],
    parameters: 278_000_000,
    license: 'mit',
    devices: ['npu', 'igpu', 'dgpu', 'cpu'],
    sources: [
      { format: 'onnx', repository: 'BAAI/bge-reranker-base' },
      { format: 'openvino-ir', repository: 'OpenVINO/bge-reranker-base-int8-ov' },
    ],
  },
  {
    id: 'bge-reranker-v2-m3',
    title: 'multilingual cross-encoder that ranks passages for a query',
    tasks: ['rerank'],
    parameters: 568_000_000,
    license: 'apache-2.0',
    devices: ['dgpu', 'igpu', 'cpu'],
    sources: [{ format: 'onnx', repository: 'onnx-community/bge-reranker-v2-m3-ONNX' }],
  },
  {
    id: 'language-detection',
    title: 'classifier that tells 20 languages apart',
    tasks: ['classify'],
    parameters: 278_000_000,
    license: 'mit',
    devices: ['npu', 'igpu', 'cpu'],
    sources: [{ format: 'onnx', repository: 'protectai/xlm-roberta-base-language-detection-onnx' }],
  },
  ...['1.5B', '3B', '7B', '14B'].map((size): z.input<typeof KnownModel> => {
    const parameters = {
      '1.5B': 1_540_000_000,
      '3B': 3_090_000_000,
      '7B': 7_620_000_000,
      '14B': 14_800_000_000,
    }
    return {
      id: `qwen2.5-coder-${size.toLowerCase()}`,
      title: `coding assistant, ${size} parameters`,
      tasks: ['chat'],
      parameters: parameters[size as keyof typeof parameters],
      license: size === '3B' ? 'other (Qwen Research)' : 'apache-2.0',
      devices: size === '1.5B' || size === '3B' ? ['dgpu', 'igpu', 'cpu'] : ['dgpu', 'igpu'],
      sources: [{ format: 'gguf', repository: `Qwen/Qwen2.5-Coder-${size}-Instruct-GGUF`, files: Q4 }],
    }
  }),
  {
    id: 'qwen3-coder-30b-a3b',
    title: 'coding assistant, mixture of experts: 30B parameters, 3B at work for each token',
    tasks: ['chat'],
    parameters: 30_500_000_000,
    license: 'apache-2.0',
    devices: ['dgpu', 'cpu'],
    sources: [{ format: 'gguf', repository: 'unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF', files: Q4 }],
  },
  {
    id: 'gpt-oss-20b',
    title: 'reasoning assistant, mixture of experts: 21B parameters, 3.6B at work for each token',
    tasks: ['chat'],
    parameters: 20_900_000_000,
    license: 'apache-2.0',
    devices: ['dgpu', 'cpu'],
    sources: [{ format: 'gguf', repository: 'ggml-org/gpt-oss-20b-GGUF', files: ['*mxfp4*'] }],
  },
]
