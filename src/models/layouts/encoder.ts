import type { Embedding, Model, Pooling, Task } from '../../domain/index.ts'
import type { KnownModel } from '../known/index.ts'
import { readJson, unsupported } from './files.ts'
import {
  ModelConfig,
  Modules,
  PoolingConfig,
  SentenceBertConfig,
  SentenceConfig,
  TokenizerConfig,
} from './schemas.ts'

type RerankTraits = NonNullable<Model['rerank']>
type ClassifyTraits = NonNullable<Model['classify']>

/** What an encoder's own files say of it. */
export interface EncoderLayout {
  readonly tasks: readonly Task[]
  readonly contextTokens: number
  readonly embedding?: Embedding
  readonly rerank?: RerankTraits
  readonly classify?: ClassifyTraits
  /** The repository that it was made from, where `config.json` names it. */
  readonly madeFrom?: string
  /** What a person should know, a sentence each. */
  readonly warnings: readonly string[]
}

/**
 * Reads a sentence-transformers folder, or an export of optimum or optimum-intel.
 * @param known fills in what the files do not say; where they contradict it the files win, with a warning
 * @throws TandemError MODEL_UNSERVABLE naming the file and what cannot be served
 */
export async function readEncoder(folder: string, known?: KnownModel): Promise<EncoderLayout> {
  const config = await readJson(folder, 'config.json', ModelConfig)
  if (!config) throw unsupported(folder, 'no config.json, which says what kind of model it is')
  const modules = await readJson(folder, 'modules.json', Modules)
  const contextTokens = await contextOf(folder, config)
  const warnings: string[] = []
  const madeFrom = config._name_or_path
  const common = { contextTokens, warnings, ...(madeFrom ? { madeFrom } : {}) }
  const architecture = config.architectures?.[0] ?? ''
  const task = taskOf(folder, architecture, config, modules !== undefined, known)
  if (known && !known.tasks.includes(task))
    warnings.push(`${known.id} is known for ${known.tasks.join(', ')}; its config.json says ${task}`)
  if (task === 'rerank') return { ...common, tasks: ['rerank'], rerank: { activation: activationOf(config) } }
  if (task === 'classify') return { ...common, tasks: ['classify'], classify: labelsOf(folder, config) }
  const embedding = await readEmbedding(folder, config, modules, known, warnings)
  return { ...common, tasks: ['embed'], embedding }
}

function taskOf(
  folder: string,
  architecture: string,
  config: ModelConfig,
  isSentenceModel: boolean,
  known: KnownModel | undefined,
): 'embed' | 'rerank' | 'classify' {
  if (/ForSequenceClassification$/.test(architecture)) return labelCount(config) === 1 ? 'rerank' : 'classify'
  if (isSentenceModel || /Model$/.test(architecture) || /ForMaskedLM$/.test(architecture)) return 'embed'
  if (/ForCausalLM$/.test(architecture) && known?.tasks.includes('embed')) return 'embed'
  const what = architecture === '' ? 'no architecture' : `the architecture ${architecture}`
  throw unsupported(
    folder,
    `config.json names ${what}; served are encoders (...Model), sentence-transformers folders (modules.json) and ...ForSequenceClassification, chat models as GGUF`,
  )
}

function labelCount({ id2label, num_labels }: ModelConfig): number {
  return id2label ? Object.keys(id2label).length : (num_labels ?? 2) // the library's own default is 2
}

/** Sigmoid unless the cross-encoder was trained on bare scores. */
function activationOf(config: ModelConfig): RerankTraits['activation'] {
  const name = config.sentence_transformers?.activation_fn ?? config.sbert_ce_default_activation_function
  return /Identity/.test(name ?? '') ? 'none' : 'sigmoid'
}

function labelsOf(folder: string, config: ModelConfig): ClassifyTraits {
  const entries = Object.entries(config.id2label ?? {}).sort(([a], [b]) => Number(a) - Number(b))
  const labels =
    entries.length > 0
      ? entries.map(([, label]) => label)
      : Array.from({ length: labelCount(config) }, (_, i) => `LABEL_${i}`)
  if (entries.some(([index], i) => Number(index) !== i))
    throw unsupported(folder, 'config.json: id2label must number the labels from 0 without a gap')
  return { labels, multiLabel: config.problem_type === 'multi_label_classification' }
}

/** Positions from 2 on are used by RoBERTa and its kin: the first ones stand for padding. */
const OFFSET_TYPES = /^(roberta|xlm-roberta|xlm-roberta-xl|camembert|mpnet|longformer|data2vec-text|ibert)$/

async function contextOf(folder: string, config: ModelConfig): Promise<number> {
  const sentence = await readJson(folder, 'sentence_bert_config.json', SentenceBertConfig)
  const tokenizer = await readJson(folder, 'tokenizer_config.json', TokenizerConfig)
  const offset = OFFSET_TYPES.test(config.model_type ?? '') ? 2 : 0
  const positions = config.max_position_embeddings ?? config.n_positions
  const limits = [
    sentence?.max_seq_length,
    positions == null ? undefined : positions - offset,
    tokenizer?.model_max_length,
  ].filter((limit): limit is number => limit != null && limit >= 1 && limit < 10_000_000)
  if (limits.length === 0)
    throw unsupported(
      folder,
      'no file says how many tokens it reads (max_seq_length, max_position_embeddings)',
    )
  return Math.floor(Math.min(...limits))
}

async function readEmbedding(
  folder: string,
  config: ModelConfig,
  modules: readonly { path: string; type: string }[] | undefined,
  known: KnownModel | undefined,
  warnings: string[],
): Promise<Embedding> {
  const kinds = modules?.map(({ path, type }) => ({ path, kind: type.slice(type.lastIndexOf('.') + 1) }))
  const other = kinds?.find(({ kind }) => !/^(Transformer|Pooling|Normalize)$/.test(kind))
  if (other)
    throw unsupported(
      folder,
      `modules.json has a ${other.kind} layer; served are Transformer, Pooling and Normalize`,
    )
  const poolingPath = kinds?.find(({ kind }) => kind === 'Pooling')?.path ?? '1_Pooling'
  if (/(^|[\\/])\.\.([\\/]|$)|^[\\/]|:/.test(poolingPath))
    throw unsupported(folder, `modules.json names ${poolingPath}, which is outside the model's folder`)
  const pooling = await readJson(folder, `${poolingPath}/config.json`, PoolingConfig)
  const sentence = await readJson(folder, 'config_sentence_transformers.json', SentenceConfig)
  const bert = await readJson(folder, 'sentence_bert_config.json', SentenceBertConfig)
  if (bert?.do_lower_case)
    warnings.push('sentence_bert_config.json asks for lower case, which is left to tokenizer.json here')
  const hidden = config.hidden_size ?? config.n_embd ?? config.d_model ?? config.dim
  const pooled = pooling?.word_embedding_dimension ?? pooling?.embedding_dimension
  if (hidden != null && pooled != null && hidden !== pooled)
    throw unsupported(folder, `config.json has ${hidden} dimensions, ${poolingPath}/config.json ${pooled}`)
  const dimensions = hidden ?? pooled
  if (dimensions == null) throw unsupported(folder, 'config.json says no hidden_size')
  const prompts = promptsOf(sentence?.prompts ?? {})
  if (pooling?.include_prompt === false && Object.values(prompts).some((prompt) => prompt))
    throw unsupported(
      folder,
      `${poolingPath}/config.json leaves prompts out of the pooling, which is not served`,
    )
  const settled = settle(warnings, known)
  const shorter = known?.embedding?.shorterDimensions.filter((each) => each < dimensions) ?? []
  return {
    pooling:
      settled('pooling', pooling && poolingOf(folder, poolingPath, pooling)) ?? meanBySilence(warnings),
    // a missing layer does not contradict a known entry: users of such models make unit vectors themselves
    normalize: kinds?.some(({ kind }) => kind === 'Normalize')
      ? true
      : (known?.embedding?.normalize ?? unitBySilence(kinds !== undefined, warnings)),
    dimensions,
    shorterDimensions: shorter,
    text: {
      splitCamelCase: false,
      queryPrefix: settled('queryPrefix', prompts.query) ?? '',
      passagePrefix: settled('passagePrefix', prompts.passage) ?? '',
    },
  }
}

/** What the files say, else what is known; a contradiction is said. */
function settle(warnings: string[], known: KnownModel | undefined) {
  return <K extends 'pooling' | 'queryPrefix' | 'passagePrefix'>(
    name: K,
    own: NonNullable<KnownModel['embedding']>[K] | undefined,
  ): NonNullable<KnownModel['embedding']>[K] | undefined => {
    const expected = known?.embedding?.[name]
    if (own === undefined) return expected
    if (expected !== undefined && expected !== own)
      warnings.push(
        `${known?.id}: ${name} ${JSON.stringify(expected)} was expected, the repository's files say ${JSON.stringify(own)}, which is used`,
      )
    return own
  }
}

function meanBySilence(warnings: string[]): Pooling {
  warnings.push(
    'no file says how token states become a vector (1_Pooling/config.json): mean is used, as sentence-transformers does then',
  )
  return 'mean'
}

function unitBySilence(hasModules: boolean, warnings: string[]): boolean {
  if (hasModules)
    warnings.push('modules.json has no Normalize layer: vectors keep their length, so compare them by cosine')
  return !hasModules
}

function promptsOf(prompts: Readonly<Record<string, string | null>>): { query?: string; passage?: string } {
  const pick = (names: readonly string[]): string | undefined =>
    names.map((name) => prompts[name]).find((prompt) => prompt != null) ?? undefined
  const query = pick(['query', 'search_query', 'retrieval.query', 'nl2code_query', 's2p_query'])
  const passage = pick(['passage', 'document', 'search_document', 'retrieval.passage', 'nl2code_document'])
  return { ...(query === undefined ? {} : { query }), ...(passage === undefined ? {} : { passage }) }
}

const POOLINGS: Readonly<Record<string, Pooling>> = {
  mean: 'mean',
  mean_tokens: 'mean',
  cls: 'cls',
  cls_token: 'cls',
  lasttoken: 'last',
}

function poolingOf(folder: string, path: string, config: Readonly<Record<string, unknown>>): Pooling {
  const flags = Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] === true)
  const named = [config['pooling_mode']].flat().filter((mode) => typeof mode === 'string')
  const modes = named.length > 0 ? named : flags.map((key) => key.slice('pooling_mode_'.length))
  const [mode] = modes
  const pooling = mode === undefined ? undefined : POOLINGS[mode]
  if (modes.length === 1 && pooling !== undefined) return pooling
  const what = modes.length === 0 ? 'names no pooling' : `pools by ${modes.join(' and ')}`
  throw unsupported(folder, `${path}/config.json ${what}; served is one of mean, cls, lasttoken`)
}
