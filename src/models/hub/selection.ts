import { TandemError } from '../../domain/index.ts'
import type { RemoteFile } from '../fetch/index.ts'
import { formatsOf, type WeightFormat, type WeightSet, weightSets } from '../layouts/weights.ts'
import { relativePath } from '../manifest.ts'
import { chooseWeights } from './choose.ts'
import type { PullTarget } from './target.ts'

/** A choice of weights with its size. */
export interface SizedSet {
  readonly label: string
  readonly files: readonly string[]
  readonly sizeBytes: number
}

export type Selection =
  | {
      readonly id: string
      readonly format: WeightFormat
      readonly weights: WeightSet
      readonly others: readonly SizedSet[]
      /** Other formats that the repository holds. */
      readonly otherFormats: readonly WeightFormat[]
    }
  | { readonly why: string; readonly format: WeightFormat; readonly candidates: readonly SizedSet[] }

/** Small files that say what a model is and how texts become tokens. */
const DESCRIPTION =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|modules|sentence_bert_config|config_sentence_transformers)\.json$|^\d+_Pooling\/config\.json$/

/**
 * Chooses what to fetch of a repository's tree.
 * @throws TandemError MODEL_UNSERVABLE when it holds no weights of the format
 */
export function selectWeights(
  tree: readonly RemoteFile[],
  target: PullTarget,
  pattern: string | undefined,
): Selection {
  const paths = tree.map(({ path }) => path)
  const formats = formatsOf(paths)
  const format = target.format ?? formats[0]
  if (format === undefined || !formats.includes(format)) {
    const asked = target.format ? `no ${target.format} files` : 'no files that Tandem runs'
    const has = formats.length > 0 ? `it has ${formats.join(', ')}` : 'served are onnx, openvino-ir, gguf'
    throw new TandemError('MODEL_UNSERVABLE', { where: target.repository, what: `${asked}; ${has}` })
  }
  const sets = weightSets(paths, format)
  const choice = chooseWeights(sets, pattern, target.preferred)
  const sized = (set: WeightSet): SizedSet => ({
    label: set.label,
    files: set.files,
    sizeBytes: set.files.reduce((sum, path) => sum + (find(tree, path)?.sizeBytes ?? 0), 0),
  })
  if ('candidates' in choice) return { why: choice.why, format, candidates: choice.candidates.map(sized) }
  const usual = chooseWeights(sets, undefined, target.preferred)
  const isUsual = 'chosen' in usual && usual.chosen.label === choice.chosen.label
  return {
    id: isUsual ? target.id : `${target.id}:${suffix(choice.chosen.label)}`,
    format,
    weights: choice.chosen,
    others: choice.others.map(sized),
    otherFormats: formats.filter((each) => each !== format),
  }
}

/** The name of the weights alone: `model_quantized`, `q5_k_m`. */
function suffix(label: string): string {
  const name = label.slice(label.lastIndexOf('/') + 1).replace(/\.(onnx|xml|gguf)$/i, '')
  return name.toLowerCase().replace(/[^\w.-]+/g, '-')
}

/** The tree's small files that describe a model with these weights. */
export function descriptionFiles(tree: readonly RemoteFile[], sets: readonly WeightSet[]): RemoteFile[] {
  const own = tree.filter(({ path }) => DESCRIPTION.test(path))
  if (own.some(({ path }) => path === 'tokenizer.json')) return own
  const beside = sets.map(({ files: [main = ''] }) => main.replace(/[^/]*$/, 'tokenizer.json'))
  return [...own, ...tree.filter(({ path }) => beside.includes(path))]
}

/** @throws TandemError MODEL_UNSERVABLE for a path that must not be written */
export function find(tree: readonly RemoteFile[], path: string): RemoteFile | undefined {
  const file = tree.find((each) => each.path === path)
  if (file && !relativePath.safeParse(path).success)
    throw new TandemError('MODEL_UNSERVABLE', {
      where: path,
      what: 'a path that leaves the folder is not written',
    })
  return file
}
