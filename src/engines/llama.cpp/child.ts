/** The llama.cpp engine. Native code: loaded in worker processes only. */
import { availableParallelism } from 'node:os'
import {
  type ChatWrapper,
  GgmlType,
  getModuleVersion,
  JinjaTemplateChatWrapper,
  type Llama,
  type LlamaModel,
  resolveChatWrapper,
} from 'node-llama-cpp'
import { type KvType, TandemError } from '../../domain/index.ts'
import type { Engine, LoadContext, LoadedDecoder, LoadSpec, OnLoadProgress } from '../contract.ts'
import { LlamaDecoder } from './decoder.ts'
import { llamaCpp } from './descriptor.ts'
import { firstSentence, isCpu, openLlama } from './device.ts'
import { HeldLines } from './held-lines.ts'
import { bad, findGguf } from './model-file.ts'

/** Multiplications and additions that one thread does in the time in which a cancel must be seen. */
const WORK_PER_BLOCK = 6e9
const MIN_BLOCK = 16
const MAX_BLOCK = llamaCpp.footprint.batchTokens
/** Weights that a CPU reads in about a second: what reading an answer again token by token may cost. */
const EXACT_REPLAY_WEIGHTS = 1e10

const KV_TYPES: Readonly<Record<KvType, GgmlType>> = {
  f16: GgmlType.F16,
  q8_0: GgmlType.Q8_0,
  q4_0: GgmlType.Q4_0,
}

/** Its llama.cpp is the one that this release of node-llama-cpp carries. */
const packageVersion = `node-llama-cpp ${await getModuleVersion()}`

export const engine: Engine = { descriptor: llamaCpp, version: () => packageVersion, prepare, load }

/** What `prepare` left for the load of the same spec. */
let prepared: Opened | undefined

/**
 * On the CPU: opens the library, and finds out how the model's template writes chats, from its vocabulary alone; these take
 * longer than to load a small model. A GPU is left alone: a second process would take of its memory.
 */
async function prepare(spec: LoadSpec): Promise<void> {
  if (spec.task !== 'chat' || !isCpu(spec.device)) return
  const path = await findGguf(spec.model)
  const opened = await openLibrary(spec)
  const vocabulary = await opened.llama.loadModel({ modelPath: path, gpuLayers: 0, vocabOnly: true })
  const wrapper = resolveChatWrapper(vocabulary)
  await vocabulary.dispose()
  // this kind reads the vocabulary again when it writes
  prepared = wrapper instanceof JinjaTemplateChatWrapper ? opened : { ...opened, wrapper }
}

async function load(spec: LoadSpec, { onProgress }: LoadContext = {}): Promise<LoadedDecoder> {
  if (spec.task !== 'chat')
    throw new TandemError('ENGINE_FAILED', { engine: 'llama.cpp', why: `it does not serve ${spec.task}` })
  const path = await findGguf(spec.model)
  const { llama, lines, wrapper } = prepared ?? (await openLibrary(spec))
  prepared = undefined
  try {
    const model = await openModel({
      path,
      llama,
      layers: spec.gpuLayers,
      firstError: () => lines.firstError,
      onProgress,
    })
    const contextTokens = Math.min(
      spec.contextTokens ?? spec.model.contextTokens,
      spec.model.contextTokens,
      model.trainContextSize,
    )
    const slots = Math.max(1, spec.slots ?? 1)
    const block = llama.gpu === false ? blockOf(spec) : MAX_BLOCK.gpu
    const kvType = KV_TYPES[spec.kvType ?? 'f16']
    const context = await model.createContext({
      contextSize: contextTokens,
      sequences: slots,
      batchSize: block + slots,
      // as many as the library allows at that moment: `setThreads` changes it
      threads: { ideal: mostThreads(spec), min: 1 },
      // llama.cpp knows what the device can do; a quantized cache needs it
      flashAttention: 'auto',
      experimentalKvCacheKeyType: kvType,
      experimentalKvCacheValueType: kvType,
      failedCreationRemedy: false,
    })
    llama.maxThreads = spec.threads
    lines.release()
    return new LlamaDecoder({
      llama,
      model,
      context,
      wrapper: wrapper ?? resolveChatWrapper(model),
      traits: spec.model.chat,
      contextTokens,
      block,
      exactReplay: Math.floor(EXACT_REPLAY_WEIGHTS / spec.model.parameters),
    })
  } catch (thrown) {
    await llama.dispose()
    if (thrown instanceof TandemError) throw thrown
    throw new TandemError(
      'ENGINE_FAILED',
      { engine: 'llama.cpp', why: firstSentence(thrown) },
      { cause: thrown },
    )
  }
}

interface Opened {
  readonly llama: Llama
  readonly lines: HeldLines
  readonly wrapper?: ChatWrapper
}

/** It may be given more while it serves. */
function mostThreads({ threads }: LoadSpec): number {
  return Math.max(threads, availableParallelism())
}

async function openLibrary(spec: LoadSpec): Promise<Opened> {
  const lines = new HeldLines()
  const llama = await openLlama(spec.device, mostThreads(spec), (line, isError) => lines.push(line, isError))
  return { llama, lines }
}

/** Tokens that are read at once: the same for a model and thread count, because results depend on it. */
function blockOf({ model, threads, blockThreads = threads }: LoadSpec): number {
  const tokens = (WORK_PER_BLOCK * blockThreads) / (2 * model.parameters)
  return Math.max(MIN_BLOCK, Math.min(MAX_BLOCK.cpu, Math.floor(tokens / MIN_BLOCK) * MIN_BLOCK))
}

interface Opening {
  readonly path: string
  readonly llama: Llama
  readonly layers: number | undefined
  readonly firstError: () => string | undefined
  readonly onProgress: OnLoadProgress | undefined
}

async function openModel({ path, llama, layers, firstError, onProgress }: Opening): Promise<LlamaModel> {
  const gpuLayers = llama.gpu === false ? 0 : (layers ?? 'max')
  // with none the CPU would do the work in the name of the GPU
  if (llama.gpu !== false && gpuLayers === 0)
    throw new TandemError('ENGINE_FAILED', {
      engine: 'llama.cpp',
      why: 'gpuLayers is 0; a GPU takes at least 1',
    })
  try {
    return await llama.loadModel({
      modelPath: path,
      gpuLayers,
      ...(onProgress ? { onLoadProgress: onProgress } : {}),
    })
  } catch (thrown) {
    const why = firstError() ?? firstSentence(thrown)
    // too little memory is no fault of the file
    if (/memory|vram/i.test(`${why} ${String(thrown)}`)) throw thrown
    throw bad(path, why, thrown)
  }
}
