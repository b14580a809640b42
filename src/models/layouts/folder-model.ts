import { createHash } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { type Model, type ModelFile, TandemError } from '../../domain/index.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { knownByRepository } from '../known/index.ts'
import { MANIFEST_FILE, parseManifest } from '../manifest.ts'
import { describeFolder, tokenizerFor } from './describe.ts'
import { listFiles, readJson, unsupported } from './files.ts'
import { safetensorsParameters } from './parameters.ts'
import { ModelConfig } from './schemas.ts'
import { type WeightSet, weightSets } from './weights.ts'

/** Whether a setting names a model by its folder instead of its id: no id can look so. */
export function isFolderPath(name: string): boolean {
  return isAbsolute(name)
}

/**
 * A model from its folder: one with a `tandem.model.json`, a sentence-transformers folder with `onnx/` or `openvino/`, or
 * an export of optimum or optimum-intel. Its id is the folder's name. The hash of weights is left empty: it is not
 * known beforehand, and the fingerprint holds a sample of their content.
 * @param where the setting that names it, for errors
 * @param warn what a person should know, a sentence each
 * @throws TandemError CONFIG_INVALID (no such folder, a bad manifest), MODEL_UNSERVABLE (what cannot be served, and why)
 */
export async function folderModel(
  path: string,
  where = 'models.embed',
  warn: (message: string) => void = () => undefined,
): Promise<Model> {
  const invalid = (what: string): TandemError => new TandemError('CONFIG_INVALID', { where, what })
  if (!isAbsolute(path)) throw invalid(`${path} is not absolute; give the whole path of the model's folder`)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isDirectory()) throw invalid(`there is no folder ${path}`)
  const manifestFile = join(path, MANIFEST_FILE)
  const own = await readFile(manifestFile, 'utf8').catch(() => undefined)
  if (own !== undefined) {
    const manifest = parseManifest(own, manifestFile)
    return { ...manifest, folder: path, fingerprint: fingerprintOf(manifest) }
  }
  const paths = await listFiles(path)
  const [onnx] = weightSets(paths, 'onnx')
  const [ir] = weightSets(paths, 'openvino-ir')
  const main = onnx ?? ir
  if (!main) throw unsupported(path, noWeights(paths))
  const config = await readJson(path, 'config.json', ModelConfig)
  const known = config?._name_or_path ? knownByRepository(config._name_or_path) : undefined
  const parameters = await safetensorsParameters(path)
  const has = (each: string): boolean => paths.includes(each)
  const sets = [onnx, ir].filter((set) => set !== undefined)
  const files = await filesOf(
    path,
    sets,
    sets.map((set) => tokenizerFor({ folder: path, has }, set)),
  )
  const { manifest, warnings } = await describeFolder({
    folder: path,
    id: idOf(path),
    title: `the model in ${basename(path)}`,
    revision: await sampleOf(path, main),
    license: known?.license ?? "the folder's own",
    weights: { ...(onnx ? { onnx } : {}), ...(ir ? { 'openvino-ir': ir } : {}) },
    fileOf: (each) => files.get(each) ?? { path: each, sizeBytes: 1, sha256: '' },
    has,
    ...(parameters === undefined ? {} : { parameters }),
    ...(known ? { known } : {}),
  })
  for (const warning of warnings) warn(`${path}: ${warning}`)
  const { files: listed, ...rest } = manifest
  return { ...rest, files: withoutPlaceholders(listed), folder: path, fingerprint: fingerprintOf(manifest) }
}

function noWeights(paths: readonly string[]): string {
  if (paths.some((path) => /\.gguf$/i.test(path))) return 'it holds GGUF files; name the file itself'
  const torch = paths.some((path) => /\.(safetensors|bin|pt)$/i.test(path))
  const advice = 'export it: `optimum-cli export openvino` or `optimum-cli export onnx`'
  return `no ONNX (onnx/model.onnx) and no OpenVINO IR (openvino_model.xml with its .bin)${torch ? `; ${advice}` : ''}`
}

function idOf(path: string): string {
  const name = basename(path).replace(/[^\w.-]+/g, '-')
  return name.replace(/^[^A-Za-z0-9]+/, '') || 'model'
}

const NOT_HASHED = '0'.repeat(64)

/** Sizes of the weights; the small files, which change the vectors, are hashed. */
async function filesOf(
  folder: string,
  sets: readonly WeightSet[],
  hashed: readonly string[],
): Promise<Map<string, ModelFile>> {
  const files = new Map<string, ModelFile>()
  for (const path of sets.flatMap((set) => set.files)) {
    const { size } = await stat(join(folder, path))
    if (size === 0) throw unsupported(join(folder, path), 'the file is empty')
    files.set(path, { path, sizeBytes: size, sha256: NOT_HASHED })
  }
  for (const path of hashed) {
    const content = await readFile(join(folder, path))
    const sha256 = createHash('sha256').update(content).digest('hex')
    files.set(path, { path, sizeBytes: content.length, sha256 })
  }
  return files
}

function withoutPlaceholders(files: Model['files']): Model['files'] {
  const clean = (file: ModelFile): ModelFile => (file.sha256 === NOT_HASHED ? { ...file, sha256: '' } : file)
  return Object.fromEntries(Object.entries(files).map(([format, list]) => [format, list.map(clean)]))
}

const SAMPLES = 64
const SAMPLE_BYTES = 64 * 1024

/** Hash of pieces all over the weights: gigabytes are not read at every start, and another training shows anywhere. */
async function sampleOf(folder: string, { files }: WeightSet): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(SAMPLE_BYTES)
  for (const path of files) {
    const handle = await open(join(folder, path))
    try {
      const { size } = await handle.stat()
      hash.update(`${size}\0`)
      const step = Math.max(SAMPLE_BYTES, Math.floor(size / SAMPLES))
      for (let at = 0; at < size; at += step) {
        const { bytesRead } = await handle.read(buffer, 0, SAMPLE_BYTES, at)
        hash.update(buffer.subarray(0, bytesRead))
      }
    } finally {
      await handle.close()
    }
  }
  return `sampled-${hash.digest('hex')}`
}
