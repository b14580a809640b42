import { join } from 'node:path'
import type { ModelFile } from '../../domain/index.ts'
import type { KnownModel } from '../known/index.ts'
import { Manifest } from '../manifest.ts'
import { readEncoder } from './encoder.ts'
import { unsupported } from './files.ts'
import { type GgufHeader, readGgufHeader } from './gguf-header.ts'
import { estimatedParameters } from './parameters.ts'
import type { WeightFormat, WeightSet } from './weights.ts'

/** A model's folder and what is to be served from it. */
export interface FolderFacts {
  readonly folder: string
  readonly id: string
  readonly title: string
  readonly revision: string
  readonly license: string
  readonly weights: Readonly<Partial<Record<WeightFormat, WeightSet>>>
  /** Size and hash of every file that is named. */
  readonly fileOf: (path: string) => ModelFile
  /** Whether the folder has it. */
  readonly has: (path: string) => boolean
  /** Where it can be told. */
  readonly parameters?: number
  readonly known?: KnownModel
}

/** What `tandem.model.json` says of the folder, with what a person should know. */
export interface Described {
  readonly manifest: Manifest
  readonly warnings: readonly string[]
}

/** A chat model opens at most this window unless its manifest is edited: the file's own limit may need more memory than there is. */
const CHAT_CONTEXT_TOKENS = 32_768

/**
 * Reads what a folder's own files say of the model.
 * @throws TandemError MODEL_UNSERVABLE naming the file and what cannot be served
 */
export async function describeFolder(facts: FolderFacts): Promise<Described> {
  const { manifest, warnings } = await (facts.weights.gguf ? describeGguf(facts) : describeEncoder(facts))
  const parsed = Manifest.safeParse(manifest)
  if (parsed.success) return { manifest: parsed.data, warnings }
  const [issue] = parsed.error.issues
  throw unsupported(facts.folder, `${issue?.path.join('.')}: ${issue?.message}`)
}

interface Draft {
  readonly manifest: unknown
  readonly warnings: readonly string[]
}

async function describeEncoder(facts: FolderFacts): Promise<Draft> {
  const { folder, known, weights, fileOf } = facts
  const { warnings, madeFrom: _, ...layout } = await readEncoder(folder, known)
  const files: Record<string, ModelFile[]> = {}
  for (const [format, set] of Object.entries(weights))
    files[format] = [...set.files, tokenizerFor(facts, set)].map(fileOf)
  const [first] = Object.values(weights)
  const bytes = (first?.files ?? []).reduce((sum, path) => sum + fileOf(path).sizeBytes, 0)
  const parameters =
    facts.parameters ?? known?.parameters ?? estimatedParameters(first?.files[0] ?? '', bytes)
  return { manifest: { ...identity(facts), ...layout, parameters, files }, warnings }
}

/** @throws TandemError MODEL_UNSERVABLE when there is none */
export function tokenizerFor({ has, folder }: Pick<FolderFacts, 'has' | 'folder'>, set: WeightSet): string {
  const main = set.files[0] ?? ''
  const beside = main.includes('/') ? `${main.slice(0, main.lastIndexOf('/'))}/tokenizer.json` : undefined
  const found = ['tokenizer.json', beside].find((path) => path !== undefined && has(path))
  if (found !== undefined) return found
  throw unsupported(
    folder,
    'no tokenizer.json; make one with the Python library: AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)',
  )
}

const GGUF_POOLING: Readonly<Record<number, 'mean' | 'cls' | 'last'>> = { 1: 'mean', 2: 'cls', 3: 'last' }
const RANK = 4

async function describeGguf(facts: FolderFacts): Promise<Draft> {
  const { folder, known, fileOf } = facts
  const paths = facts.weights.gguf?.files ?? []
  const headers = await Promise.all(paths.map((path) => readGgufHeader(join(folder, path))))
  const [header] = headers
  if (!header) throw unsupported(folder, 'no GGUF file')
  const own = (name: string) => header.values.get(`${header.architecture}.${name}`)
  const parameters = headers.reduce((sum, each) => sum + each.parameters, 0)
  const window = Number(own('context_length') ?? 0)
  if (window < 1)
    throw unsupported(join(folder, paths[0]!), `its header says no ${header.architecture}.context_length`)
  const common = {
    ...identity(facts),
    parameters: Math.max(1, parameters),
    files: { gguf: paths.map(fileOf) },
  }
  const pooling = Number(own('pooling_type') ?? 0)
  if (pooling === RANK || known?.tasks.includes('rerank'))
    return {
      manifest: { ...common, tasks: ['rerank'], contextTokens: window, rerank: { activation: 'sigmoid' } },
      warnings: [],
    }
  if (pooling !== 0 || known?.tasks.includes('embed'))
    return { manifest: { ...common, ...embeddingOf(header, facts, window) }, warnings: [] }
  const contextTokens = Math.min(window, CHAT_CONTEXT_TOKENS)
  const warnings = header.values.has('tokenizer.chat_template')
    ? []
    : ['the file has no chat template: it may be a base model, which completes text and does not answer']
  return { manifest: { ...common, tasks: ['chat'], contextTokens, chat: { groundedOnly: false } }, warnings }
}

function embeddingOf(header: GgufHeader, { known }: FolderFacts, contextTokens: number): object {
  const own = (name: string) => Number(header.values.get(`${header.architecture}.${name}`) ?? 0)
  return {
    tasks: ['embed'],
    contextTokens,
    embedding: {
      pooling: GGUF_POOLING[own('pooling_type')] ?? known?.embedding?.pooling ?? 'mean',
      normalize: known?.embedding?.normalize ?? true,
      dimensions: own('embedding_length'),
      text: {
        splitCamelCase: false,
        queryPrefix: known?.embedding?.queryPrefix ?? '',
        passagePrefix: known?.embedding?.passagePrefix ?? '',
      },
    },
  }
}

function identity({ id, title, revision, license }: FolderFacts): object {
  return { id, title, revision, license }
}
