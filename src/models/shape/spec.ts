/** A model's shape from what its makers publish: no file is needed. */
import type { ModelShape } from '../../domain/index.ts'
import type { GgufHeader, GgufTensor } from '../layouts/gguf-header.ts'
import { shapeOfGguf } from './gguf-shape.ts'
import { type Recipe, tensorType } from './recipe.ts'
import { tensorsOf } from './spec-tensors.ts'

/** Hyperparameters as a model's `config.json` names them, in our words. */
export interface ModelSpec {
  /** As llama.cpp calls it: `qwen2`, `gpt-oss`. */
  readonly architecture: string
  readonly contextTokens: number
  readonly layers: number
  readonly hidden: number
  /** Width of the dense layers. */
  readonly feedForward: number
  readonly vocabulary: number
  readonly heads: number
  readonly kvHeads: number
  /** Absent: `hidden / heads`. */
  readonly headSize?: number
  /** The output head is the token embeddings. */
  readonly tied: boolean
  readonly window?: number
  readonly experts?: {
    readonly count: number
    readonly used: number
    readonly feedForward: number
    /** Width of the experts that every token uses. */
    readonly shared?: number
    /** Leading layers without experts. */
    readonly denseLayers?: number
  }
  /** Latent attention: what is cached of a token, and how it is unpacked. */
  readonly latent?: {
    readonly rank: number
    readonly ropeSize: number
    readonly keySize: number
    readonly valueSize: number
    /** The newer layout that llama.cpp computes without unpacking. */
    readonly absorbed: boolean
  }
}

/**
 * The shape of a model as its GGUF file would have it.
 * @throws RangeError for an architecture whose tensors are not known here
 */
export function shapeOfSpec(spec: ModelSpec, recipe: Recipe): ModelShape {
  return shapeOfGguf([headerOfSpec(spec, recipe)])
}

/** The header that such a GGUF file would have, as far as llama.cpp needs it to plan its memory. */
export function headerOfSpec(spec: ModelSpec, recipe: Recipe): GgufHeader {
  const tensors: GgufTensor[] = tensorsOf(spec).map(({ name, shape, layer }) => ({
    name,
    shape,
    type: tensorType(recipe, {
      name,
      shape,
      layer,
      layers: spec.layers,
      isHead: spec.tied && name === 'token_embd.weight',
    }),
  }))
  const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
  const { architecture } = spec
  const own = Object.entries(keysOf(spec)).map(([key, value]) => [`${architecture}.${key}`, value] as const)
  const values = new Map<string, string | number | boolean>([['general.architecture', architecture], ...own])
  return { architecture, values, lists: new Map(), tensors, parameters }
}

function keysOf(spec: ModelSpec): Record<string, number> {
  const { experts, latent } = spec
  const headSize = spec.headSize ?? spec.hidden / spec.heads
  const attention = latent ? latentKeys(latent) : { keyLength: headSize, valueLength: headSize }
  return {
    block_count: spec.layers,
    context_length: spec.contextTokens,
    embedding_length: spec.hidden,
    feed_forward_length: spec.feedForward,
    'attention.head_count': spec.heads,
    'attention.head_count_kv': latent?.absorbed ? 1 : spec.kvHeads,
    'attention.key_length': attention.keyLength,
    'attention.value_length': attention.valueLength,
    ...(spec.window ? { 'attention.sliding_window': spec.window } : {}),
    ...(latent
      ? {
          'attention.kv_lora_rank': latent.rank,
          'rope.dimension_count': latent.ropeSize,
          ...(latent.absorbed
            ? {
                'attention.key_length_mla': latent.keySize + latent.ropeSize,
                'attention.value_length_mla': latent.valueSize,
              }
            : {}),
        }
      : { 'rope.dimension_count': headSize }),
    ...(experts
      ? {
          expert_count: experts.count,
          expert_used_count: experts.used,
          expert_feed_forward_length: experts.feedForward,
          leading_dense_block_count: experts.denseLayers ?? 0,
          ...(experts.shared
            ? { expert_shared_count: Math.round(experts.shared / experts.feedForward) }
            : {}),
        }
      : {}),
  }
}

function latentKeys(latent: NonNullable<ModelSpec['latent']>) {
  return latent.absorbed
    ? { keyLength: latent.rank + latent.ropeSize, valueLength: latent.rank }
    : { keyLength: latent.keySize + latent.ropeSize, valueLength: latent.valueSize }
}
