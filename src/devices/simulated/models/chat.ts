/** Chat models as people run them: GGUF files in Q4_K_M, by their published sizes. */
import type { DecoderShape, Model } from '../../../domain/index.ts'
import type { SimulatedModel } from '../machine.ts'

/** Bytes of a number in the two quantizations that Q4_K_M mixes. */
const Q4_K = 4.5 / 8
const Q6_K = 6.5625 / 8

interface ChatSpec {
  readonly id: string
  readonly title: string
  readonly architecture: string
  readonly parameters: number
  /** Of the GGUF file. */
  readonly fileBytes: number
  readonly contextTokens: number
  readonly layers: number
  readonly hidden: number
  readonly feedForward: number
  readonly heads: number
  /** Numbers that one token adds to the keys of a layer, and as many to its values. */
  readonly keys: number
  readonly vocabulary: number
  /** `share`: of a layer's bytes. */
  readonly experts?: {
    readonly count: number
    readonly used: number
    readonly feedForward: number
    readonly share: number
  }
}

function chatModel(spec: ChatSpec): SimulatedModel {
  const { id, title, fileBytes, parameters, contextTokens, layers, hidden, vocabulary, experts } = spec
  const inputBytes = Math.round(vocabulary * hidden * Q4_K)
  const outputBytes = Math.round(vocabulary * hidden * Q6_K)
  const perLayer = (fileBytes - inputBytes - outputBytes) / layers
  const expertBytes = Math.round(perLayer * (experts?.share ?? 0))
  const each = <T>(value: T): T[] => Array.from({ length: layers }, () => value)
  const { architecture, feedForward, heads, keys } = spec
  const shape: DecoderShape = {
    kind: 'decoder',
    architecture,
    parameters,
    contextTokens,
    hidden,
    feedForward,
    vocabulary,
    heads,
    layerBytes: each(Math.round(perLayer) - expertBytes),
    expertBytes: each(expertBytes),
    ...(experts
      ? { experts: { count: experts.count, used: experts.used, feedForward: experts.feedForward } }
      : {}),
    inputBytes,
    outputBytes,
    tiedBytes: 0,
    kvPerToken: each({ keys, values: keys }),
  }
  const model: Model = {
    id,
    title: `${title} (simulated: no file of it is here)`,
    revision: 'simulated',
    license: 'Apache-2.0',
    tasks: ['chat'],
    parameters,
    contextTokens,
    files: { gguf: [{ path: `${id}-Q4_K_M.gguf`, sizeBytes: fileBytes, sha256: '' }] },
    chat: { groundedOnly: false },
    folder: '',
    fingerprint: `simulated-${id}`,
  }
  return { model, shape, source: 'published configuration of the model, and size of its GGUF file in Q4_K_M' }
}

const qwen2 = { architecture: 'qwen2', contextTokens: 32_768, vocabulary: 152_064 }

export const qwenCoder7b = chatModel({
  ...qwen2,
  id: 'qwen2.5-coder-7b',
  title: 'Qwen2.5-Coder-7B-Instruct',
  parameters: 7_615_616_512,
  fileBytes: 4_683_000_000,
  layers: 28,
  hidden: 3584,
  feedForward: 18_944,
  heads: 28,
  keys: 512,
})

export const qwenCoder14b = chatModel({
  ...qwen2,
  id: 'qwen2.5-coder-14b',
  title: 'Qwen2.5-Coder-14B-Instruct',
  parameters: 14_770_033_664,
  fileBytes: 8_990_000_000,
  layers: 48,
  hidden: 5120,
  feedForward: 13_824,
  heads: 40,
  keys: 1024,
})

export const qwenCoder32b = chatModel({
  ...qwen2,
  id: 'qwen2.5-coder-32b',
  title: 'Qwen2.5-Coder-32B-Instruct',
  parameters: 32_763_876_352,
  fileBytes: 19_850_000_000,
  layers: 64,
  hidden: 5120,
  feedForward: 27_648,
  heads: 40,
  keys: 1024,
})

/** A mixture of experts: 128 in each layer, 8 of them for a token, which makes 3.3 of 30.5 billion parameters. */
export const qwen3Coder30b = chatModel({
  id: 'qwen3-coder-30b-a3b',
  title: 'Qwen3-Coder-30B-A3B-Instruct',
  architecture: 'qwen3moe',
  parameters: 30_532_122_624,
  fileBytes: 18_560_000_000,
  contextTokens: 262_144,
  layers: 48,
  hidden: 2048,
  feedForward: 6144,
  heads: 32,
  keys: 512,
  vocabulary: 151_936,
  experts: { count: 128, used: 8, feedForward: 768, share: 0.96 },
})
