/** What Ollama's clients are told of a model. Pure. */
import type { Model, ModelFile, ModelFormat, Plan } from '../../../domain/index.ts'
import { placementsOf } from '../../../domain/index.ts'
import { ENGINES } from '../../../engines/index.ts'
import type { ModelEntry } from '../../deps.ts'

export interface ServedFiles {
  readonly format: ModelFormat | ''
  readonly files: readonly ModelFile[]
}

/** The files that the plan's first placement of a model reads; none where the model has no files of its own. */
export function servedFiles({ id, files }: Pick<ModelEntry, 'id' | 'files'>, plan: Plan): ServedFiles {
  const engine = placementsOf(plan).find(({ model }) => model === id)?.engine
  const formats = ENGINES.filter((each) => each.id === engine).flatMap(
    (each): readonly ModelFormat[] => each.formats,
  )
  for (const format of formats) {
    const found = files?.[format]
    if (found && found.length > 0) return { format, files: found }
  }
  return { format: '', files: [] }
}

/** The one that holds the weights. */
export function largestFile(files: readonly ModelFile[]): ModelFile | undefined {
  return files.reduce<ModelFile | undefined>(
    (most, file) => (most && most.sizeBytes >= file.sizeBytes ? most : file),
    undefined,
  )
}

/** `Q8_0`, `IQ4_XS`, `int8`: as the name of the weights says; '' where it does not. */
function quantization(path: string | undefined): string {
  return /(?:^|[-_.])(i?q\d\w*|bf16|f16|f32|fp16|int8|int4)\.[^.]+$/i.exec(path ?? '')?.[1] ?? ''
}

/** `31.2M`, `1.5B` */
export function parameterSize(parameters: number): string {
  const [unit, letter] = parameters < 1e9 ? [1e6, 'M'] : [1e9, 'B']
  return `${Number((parameters / unit).toFixed(1))}${letter}`
}

const kindOf = ({ tasks }: Pick<Model, 'tasks'>) => (tasks.includes('chat') ? 'decoder' : 'encoder')

function detailsOf(entry: ModelEntry, { format, files }: ServedFiles) {
  const family = kindOf(entry)
  return {
    parent_model: '',
    format,
    family,
    families: [family],
    parameter_size: parameterSize(entry.parameters),
    quantization_level: quantization(largestFile(files)?.path),
  }
}

/** @param modifiedAt ISO 8601 */
export function listed(name: string, entry: ModelEntry, plan: Plan, modifiedAt: string) {
  const served = servedFiles(entry, plan)
  return {
    name,
    model: name,
    modified_at: modifiedAt,
    size: served.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    digest: largestFile(served.files)?.sha256 ?? '',
    details: detailsOf(entry, served),
    capabilities: capabilitiesOf(entry),
  }
}

function capabilitiesOf({ tasks, chat }: ModelEntry): string[] {
  return [
    ...(tasks.includes('chat') ? ['completion', 'tools'] : []),
    ...(chat?.images === 'yes' ? ['vision'] : []),
    ...(tasks.includes('embed') ? ['embedding'] : []),
  ]
}

/** @param contextTokens window that is open */
export function shown(entry: ModelEntry, plan: Plan, modifiedAt: string, contextTokens: number) {
  const kind = kindOf(entry)
  return {
    modelfile: `# ${entry.title}\nFROM ${entry.id}\n`,
    parameters: Object.entries(parametersOf(entry))
      .map(([name, value]) => `${name} ${value}\n`)
      .join(''),
    template: '',
    ...(entry.license === undefined ? {} : { license: entry.license }),
    details: detailsOf(entry, servedFiles(entry, plan)),
    model_info: {
      'general.architecture': kind,
      'general.basename': entry.id,
      'general.parameter_count': entry.parameters,
      [`${kind}.context_length`]: contextTokens,
      ...(entry.embedding ? { [`${kind}.embedding_length`]: entry.embedding.dimensions } : {}),
    },
    capabilities: capabilitiesOf(entry),
    modified_at: modifiedAt,
    tandem: { title: entry.title, tasks: entry.tasks, fingerprint: entry.fingerprint },
  }
}

/** Defaults where a request sets none. */
function parametersOf({ chat, contextTokens }: ModelEntry): Record<string, number> {
  return {
    num_ctx: contextTokens,
    ...(chat?.temperature === undefined ? {} : { temperature: chat.temperature }),
    ...(chat?.maxTokens === undefined ? {} : { num_predict: chat.maxTokens }),
  }
}
