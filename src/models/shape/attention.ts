/** What a model's layers keep of the tokens that they have read, from a GGUF header. */
import type { GgufHeader } from '../layouts/gguf-header.ts'

/** Keys of one architecture, read from a header. */
export interface OwnKeys {
  readonly architecture: string
  /** Absent: `otherwise`. */
  number(key: string, otherwise?: number): number
  /** A value that may differ from layer to layer. */
  perLayer(key: string, otherwise: number): number[]
  has(key: string): boolean
}

export function ownKeys({ architecture, values, lists }: GgufHeader, layers: number): OwnKeys {
  const name = (key: string) => `${architecture}.${key}`
  const number = (key: string, otherwise = 0) => {
    const value = values.get(name(key)) ?? lists.get(name(key))?.[0]
    return value === undefined ? otherwise : Number(value)
  }
  return {
    architecture,
    number,
    has: (key) => values.has(name(key)) || lists.has(name(key)),
    perLayer: (key, otherwise) => {
      const list = lists.get(name(key))
      return Array.from({ length: layers }, (_, layer) => list?.[layer] ?? number(key, otherwise))
    },
  }
}

/**
 * Numbers that one token adds to each layer's cache.
 * @returns zeros for a layer without attention
 */
export function kvPerToken(keys: OwnKeys, layers: number): { keys: number; values: number }[] {
  const heads = keys.number('attention.head_count')
  const headSize = heads > 0 ? keys.number('embedding_length') / heads : 0
  const keySize = keys.number('attention.key_length', headSize)
  const valueSize = keys.number('attention.value_length', headSize)
  // absorbed latent attention reads its values from the keys: there is no second cache
  const hasValues = !keys.has('attention.key_length_mla')
  const interval = keys.number('full_attention_interval')
  return keys.perLayer('attention.head_count_kv', heads).map((kvHeads, layer) => {
    if (layer >= layers || (interval > 0 && (layer + 1) % interval !== 0)) return { keys: 0, values: 0 }
    return { keys: kvHeads * keySize, values: hasValues ? kvHeads * valueSize : 0 }
  })
}

/** Of so many layers in a row, all but the last look back over the window only; what llama.cpp knows of each. */
const PATTERNS: Readonly<Record<string, number>> = {
  gemma2: 2,
  gemma3: 6,
  gemma3n: 5,
  'gpt-oss': 2,
  cohere2: 4,
  exaone4: 4,
  olmo2: 4,
}

/** For each layer the tokens that it looks back at most; undefined when no layer is so. */
export function windows(keys: OwnKeys, layers: number): (number | undefined)[] | undefined {
  const window = keys.number('attention.sliding_window')
  if (window <= 0) return undefined
  const marks = keys.perLayer('attention.sliding_window_pattern', 0)
  const isList = new Set(marks).size > 1
  const pattern = isList ? 0 : marks[0] || PATTERNS[keys.architecture] || 0
  const isLocal = (layer: number) =>
    isList ? marks[layer] !== 0 : pattern > 0 && layer % pattern < pattern - 1
  const all = Array.from({ length: layers }, (_, layer) => (isLocal(layer) ? window : undefined))
  return all.some((each) => each !== undefined) ? all : undefined
}

/** Bytes that each recurrent layer keeps for one chat, 32-bit as llama.cpp does; undefined when no layer is so. */
export function stateBytes(
  keys: OwnKeys,
  kv: readonly { readonly keys: number }[],
): readonly number[] | undefined {
  const kernel = keys.number('ssm.conv_kernel')
  const inner = keys.number('ssm.inner_size')
  const state = keys.number('ssm.state_size')
  const short = keys.number('shortconv.l_cache')
  if (kernel === 0 && short === 0) return undefined
  const convolution =
    short > 0
      ? (short - 1) * keys.number('embedding_length')
      : (kernel - 1) * (inner + 2 * keys.number('ssm.group_count') * state)
  const bytes = (convolution + state * inner) * 4
  return kv.map((layer) => (layer.keys > 0 && keys.architecture !== 'falcon-h1' ? 0 : bytes))
}
