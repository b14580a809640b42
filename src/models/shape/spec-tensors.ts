/** The tensors of the architectures that are known by their published numbers. */
import type { ModelSpec } from './spec.ts'

export interface SpecTensor {
  readonly name: string
  /** The row's length first. */
  readonly shape: readonly number[]
  /** -1 for what belongs to no layer. */
  readonly layer: number
}

/** What an architecture has besides the common parts. */
interface Traits {
  /** One tensor for queries, keys and values. */
  readonly fusedAttention?: boolean
  /** Gate and way up in one tensor. */
  readonly fusedGate?: boolean
  readonly noGate?: boolean
  /** Which parts have a bias. */
  readonly bias?: readonly ('qkv' | 'attention' | 'feedForward' | 'experts' | 'norms')[]
  /** Norms of queries and keys, one number for each of a head. */
  readonly headNorms?: boolean
  /** Further norms of a layer. */
  readonly norms?: readonly string[]
  readonly sinks?: boolean
  readonly encoder?: { readonly positions: boolean }
}

const ARCHITECTURES: Readonly<Record<string, Traits>> = {
  llama: {},
  qwen2: { bias: ['qkv'] },
  qwen3: { headNorms: true },
  qwen3moe: { headNorms: true },
  phi3: { fusedAttention: true, fusedGate: true },
  gemma3: { headNorms: true, norms: ['post_attention_norm', 'post_ffw_norm'] },
  'gpt-oss': { bias: ['qkv', 'attention', 'experts'], norms: ['post_attention_norm'], sinks: true },
  deepseek2: {},
  'nomic-bert': { fusedAttention: true, bias: ['norms'], encoder: { positions: false } },
  bert: { noGate: true, bias: ['qkv', 'attention', 'feedForward', 'norms'], encoder: { positions: true } },
}

/** Those with their numbers known: what `shapeOfSpec` can do. */
export const SPEC_ARCHITECTURES = Object.keys(ARCHITECTURES)

type Shapes = [name: string, shape: readonly number[]][]

/** @throws RangeError for another architecture */
export function tensorsOf(spec: ModelSpec): SpecTensor[] {
  const traits = ARCHITECTURES[spec.architecture]
  if (!traits)
    throw new RangeError(
      `the tensors of ${spec.architecture} are not known; known are ${SPEC_ARCHITECTURES.join(', ')}`,
    )
  const { hidden, vocabulary } = spec
  const outer: Shapes = [['token_embd.weight', [hidden, vocabulary]]]
  if (traits.encoder) {
    outer.push(['token_types.weight', [hidden, 2]], ...norm('token_embd_norm', hidden, traits))
    if (traits.encoder.positions) outer.push(['position_embd.weight', [hidden, spec.contextTokens]])
  } else {
    outer.push(['output_norm.weight', [hidden]])
    if (!spec.tied) outer.push(['output.weight', [hidden, vocabulary]])
  }
  const tensors = outer.map(([name, shape]) => ({ name, shape, layer: -1 }))
  for (let layer = 0; layer < spec.layers; layer++) {
    const hasExperts = spec.experts !== undefined && layer >= (spec.experts.denseLayers ?? 0)
    const inner = [...attention(spec, traits), ...(hasExperts ? mixture(spec, traits) : dense(spec, traits))]
    tensors.push(...inner.map(([name, shape]) => ({ name: `blk.${layer}.${name}`, shape, layer })))
  }
  return tensors
}

function attention(spec: ModelSpec, traits: Traits): Shapes {
  const { hidden, heads, kvHeads } = spec
  const headSize = spec.headSize ?? hidden / heads
  const norms: Shapes = traits.encoder
    ? [...norm('attn_output_norm', hidden, traits), ...norm('layer_output_norm', hidden, traits)]
    : ['attn_norm', ...(traits.norms ?? [])].map((name) => [`${name}.weight`, [hidden]])
  if (traits.headNorms) norms.push(['attn_q_norm.weight', [headSize]], ['attn_k_norm.weight', [headSize]])
  if (traits.sinks) norms.push(['attn_sinks.weight', [heads]])
  if (spec.latent) return [...norms, ...latentAttention(spec, spec.latent)]
  const widths: [string, number][] = traits.fusedAttention
    ? [['attn_qkv', (heads + 2 * kvHeads) * headSize]]
    : [
        ['attn_q', heads * headSize],
        ['attn_k', kvHeads * headSize],
        ['attn_v', kvHeads * headSize],
      ]
  return [
    ...norms,
    ...widths.flatMap(([name, width]) => linear(name, hidden, width, traits.bias?.includes('qkv'))),
    ...linear('attn_output', heads * headSize, hidden, traits.bias?.includes('attention')),
  ]
}

function latentAttention(spec: ModelSpec, latent: NonNullable<ModelSpec['latent']>): Shapes {
  const { hidden, heads } = spec
  const { rank, ropeSize, keySize, valueSize } = latent
  return [
    ['attn_q.weight', [hidden, heads * (keySize + ropeSize)]],
    ['attn_kv_a_mqa.weight', [hidden, rank + ropeSize]],
    ['attn_kv_a_norm.weight', [rank]],
    ...(latent.absorbed
      ? ([
          ['attn_k_b.weight', [keySize, rank, heads]],
          ['attn_v_b.weight', [rank, valueSize, heads]],
        ] satisfies Shapes)
      : ([['attn_kv_b.weight', [rank, heads * (keySize + valueSize)]]] satisfies Shapes)),
    ['attn_output.weight', [heads * valueSize, hidden]],
  ]
}

function dense({ hidden, feedForward }: ModelSpec, traits: Traits): Shapes {
  const bias = traits.bias?.includes('feedForward')
  const hasGate = !traits.noGate && !traits.fusedGate
  return [
    ...(traits.encoder ? [] : ([['ffn_norm.weight', [hidden]]] satisfies Shapes)),
    ...(hasGate ? linear('ffn_gate', hidden, feedForward, bias) : []),
    ...linear('ffn_up', hidden, traits.fusedGate ? 2 * feedForward : feedForward, bias),
    ...linear('ffn_down', feedForward, hidden, bias),
  ]
}

function mixture({ hidden, experts, architecture }: ModelSpec, traits: Traits): Shapes {
  if (!experts) return []
  const { count, feedForward, shared } = experts
  const bias = traits.bias?.includes('experts')
  const biases: Shapes = [
    ['ffn_gate_inp.bias', [count]],
    ['ffn_gate_exps.bias', [feedForward, count]],
    ['ffn_up_exps.bias', [feedForward, count]],
    ['ffn_down_exps.bias', [hidden, count]],
  ]
  return [
    // gpt-oss has this norm under the name of the one after attention
    ...(architecture === 'gpt-oss' ? [] : ([['ffn_norm.weight', [hidden]]] satisfies Shapes)),
    ['ffn_gate_inp.weight', [hidden, count]],
    ['ffn_gate_exps.weight', [hidden, feedForward, count]],
    ['ffn_up_exps.weight', [hidden, feedForward, count]],
    ['ffn_down_exps.weight', [feedForward, hidden, count]],
    ...(bias ? biases : []),
    ...(shared
      ? ([
          ['ffn_gate_shexp.weight', [hidden, shared]],
          ['ffn_up_shexp.weight', [hidden, shared]],
          ['ffn_down_shexp.weight', [shared, hidden]],
        ] satisfies Shapes)
      : []),
  ]
}

function linear(name: string, from: number, to: number, bias = false): Shapes {
  return [[`${name}.weight`, [from, to]], ...(bias ? ([[`${name}.bias`, [to]]] satisfies Shapes) : [])]
}

function norm(name: string, width: number, traits: Traits): Shapes {
  const bias: Shapes = traits.bias?.includes('norms') ? [[`${name}.bias`, [width]]] : []
  return [[`${name}.weight`, [width]], ...bias]
}
