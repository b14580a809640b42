/** Which type each tensor gets when a model is quantized, as llama.cpp's tool decides. */
import { ggmlTypeNumber } from './ggml-types.ts'

export const RECIPES = ['F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_K_M', 'Q5_K_M', 'Q6_K', 'MXFP4'] as const
export type Recipe = (typeof RECIPES)[number]

const BASE: Readonly<Record<Recipe, string>> = {
  F16: 'F16',
  BF16: 'BF16',
  Q8_0: 'Q8_0',
  Q4_0: 'Q4_0',
  Q4_K_M: 'Q4_K',
  Q5_K_M: 'Q5_K',
  Q6_K: 'Q6_K',
  MXFP4: 'Q8_0',
}
/** For rows that whole blocks of 256 do not divide. */
const SMALLER_BLOCKS: Readonly<Record<string, string>> = { Q4_K: 'Q5_0', Q5_K: 'Q5_1', Q6_K: 'Q8_0' }

export interface TensorPlace {
  readonly name: string
  readonly shape: readonly number[]
  readonly layer: number
  readonly layers: number
  /** Token embeddings that are the output head too. */
  readonly isHead: boolean
}

/** @returns ggml's number of the type */
export function tensorType(recipe: Recipe, place: TensorPlace): number {
  const { name, shape } = place
  const isSmall = /norm|ffn_gate_inp|token_types|bias$/.test(name)
  const isPosition = name.startsWith('position_embd') && !BASE[recipe].endsWith('16')
  const isWeight = shape.length > 1 && !isSmall && !isPosition
  return ggmlTypeNumber(isWeight ? weightType(recipe, place) : 'F32')!
}

function weightType(recipe: Recipe, place: TensorPlace): string {
  const { name, shape } = place
  if (recipe === 'MXFP4' && /_exps\.weight$/.test(name)) return 'MXFP4'
  const wanted = wantedType(recipe, place)
  const blocks = wanted.endsWith('_K') ? 256 : 32
  if (shape[0]! % blocks === 0 || BASE[recipe].endsWith('16')) return wanted
  const smaller = SMALLER_BLOCKS[wanted] ?? 'F16'
  return shape[0]! % 32 === 0 ? smaller : 'F16'
}

/** The mixed recipes give more bits to what hurts most: the head, the values, the way down. */
function wantedType(recipe: Recipe, { name, layer, layers, isHead }: TensorPlace): string {
  const base = BASE[recipe]
  if (base === 'Q8_0' || base.endsWith('16')) return base
  if (name === 'output.weight' || isHead) return 'Q6_K'
  if (recipe !== 'Q4_K_M' && recipe !== 'Q5_K_M') return base
  if (/attn_qkv\.weight$/.test(name)) return recipe === 'Q4_K_M' ? 'Q5_K' : 'Q6_K'
  const isFirstOrLast = layer < Math.floor(layers / 8) || layer >= Math.floor((7 * layers) / 8)
  const getsMore = isFirstOrLast || (layer - Math.floor(layers / 8)) % 3 === 2
  return getsMore && /attn_(v|v_b|kv_b)\.weight$|ffn_down/.test(name) ? 'Q6_K' : base
}
