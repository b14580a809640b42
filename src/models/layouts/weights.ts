import type { ModelFormat } from '../../domain/index.ts'

/** Formats of files, in the order in which Tandem prefers them. */
export const WEIGHT_FORMATS = ['onnx', 'openvino-ir', 'gguf'] as const satisfies readonly ModelFormat[]
export type WeightFormat = (typeof WEIGHT_FORMATS)[number]

/** Files that together are one choice of weights. */
export interface WeightSet {
  /** What tells it from the others: `q4_k_m`, `onnx/model_quantized.onnx`. */
  readonly label: string
  /** Main file first. */
  readonly files: readonly string[]
  /** Lower is preferred. */
  readonly rank: number
}

/**
 * The choices of weights among the files of a folder or repository, the preferred first.
 * @param paths relative, with forward slashes
 * @param arch `process.arch`: some ONNX files are made for one kind of processor
 */
export function weightSets(
  paths: readonly string[],
  format: WeightFormat,
  arch: string = process.arch,
): WeightSet[] {
  const sets = { onnx, 'openvino-ir': openvinoIr, gguf }[format](paths, arch)
  return sets.sort(
    (a, b) => a.rank - b.rank || a.files.length - b.files.length || (a.label < b.label ? -1 : 1),
  )
}

/** Formats that a folder has weights in, the preferred first. */
export function formatsOf(paths: readonly string[]): WeightFormat[] {
  return WEIGHT_FORMATS.filter((format) => weightSets(paths, format).length > 0)
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1).toLowerCase()

/** 8-bit first: that is what encoders are measured and served with. */
function onnx(paths: readonly string[], arch: string): WeightSet[] {
  const own = arch === 'arm64' ? /^model_qint8_arm64\.onnx$/ : /^model_qint8_avx512(_vnni)?\.onnx$/
  const order = [
    /^model_quantized\.onnx$/,
    /^model_int8\.onnx$/,
    own,
    /^model_quint8_avx2\.onnx$/,
    /^model_uint8\.onnx$/,
    /^model\.onnx$/,
    /^model_fp16\.onnx$/,
  ]
  return paths
    .filter((path) => /\.onnx$/i.test(path) && !/(^|\/)(decoder|encoder|vision)[^/]*\.onnx$/i.test(path))
    .map((path) => ({
      label: path,
      files: [path, ...paths.filter((other) => isExternalData(path, other))],
      rank: rankIn(order, nameOf(path)),
    }))
}

/** Weights past 2 GiB, or by choice, lie beside the ONNX file that names them. */
function isExternalData(path: string, other: string): boolean {
  return other.startsWith(path) && /^(_data(_\d+)?|\.data)$/.test(other.slice(path.length))
}

function openvinoIr(paths: readonly string[]): WeightSet[] {
  const order = [/qint8_quantized\.xml$/, /int8.*\.xml$/, /^openvino_model\.xml$/]
  return paths.flatMap((path) => {
    const bin = path.replace(/\.xml$/, '.bin')
    const isModel = path.endsWith('.xml') && paths.includes(bin) && !/tokenizer\.xml$/.test(path)
    return isModel ? [{ label: path, files: [path, bin], rank: rankIn(order, nameOf(path)) }] : []
  })
}

const QUANTIZATION =
  /(?<![a-z0-9])(i?q\d(?:_[a-z0-9]+)*|mxfp4(?:_moe)?|bf16|f(?:p)?16|f(?:p)?32)(?![a-z0-9])/i

/** 4 bits first: what fits most machines; then up in size, then down. */
function gguf(paths: readonly string[]): WeightSet[] {
  const order = [
    /q4_k_m/,
    /mxfp4/,
    /q4_k(_[a-z]+)?$/,
    /q5_k_m/,
    /q4_0/,
    /q5/,
    /q6/,
    /q8_0/,
    /q3/,
    /q2/,
    /iq/,
    /(bf|fp?)16/,
    /fp?32/,
  ]
  const groups = new Map<string, string[]>()
  for (const path of paths.filter((each) => /\.gguf$/i.test(each) && !/mmproj/i.test(each))) {
    const key = path.replace(/-\d{5}-of-\d{5}\.gguf$/i, ' in parts')
    groups.set(key, [...(groups.get(key) ?? []), path].sort())
  }
  return [...groups.values()].map((files) => {
    const label = QUANTIZATION.exec(nameOf(files[0]!).replace(/-\d{5}-of-\d{5}/, ''))?.[1]?.toLowerCase()
    return { label: label ?? files[0]!, files, rank: label ? rankIn(order, label) : order.length }
  })
}

function rankIn(order: readonly RegExp[], name: string): number {
  const at = order.findIndex((pattern) => pattern.test(name))
  return at < 0 ? order.length : at
}
