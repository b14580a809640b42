/** The llama.cpp engine. Native code: loaded in worker processes only. */
import { availableParallelism } from 'node:os'
import { GgmlType, getModuleVersion, type LlamaModel, resolveChatWrapper } from 'node-llama-cpp'
import { type KvType, TandemError } from '../../domain/index.ts'
import type { Engine, LoadedDecoder, LoadSpec } from '../contract.ts'
import { LlamaDecoder } from './decoder.ts'
import { llamaCpp } from './descriptor.ts'
import { firstSentence, openLlama } from './device.ts'
import { bad, findGguf } from './model-file.ts'

/** Multiplications and additions that one thread does in the time in which a cancel must be seen. */
const WORK_PER_BLOCK = 6e9
const MIN_BLOCK = 16
const MAX_BLOCK = llamaCpp.footprint.batchTokens
/** Weights that a CPU reads in about a second: what reading an answer again token by token may cost. */
const EXACT_REPLAY_WEIGHTS = 1e10
const MAX_HELD_LINES = 100

const KV_TYPES: Readonly<Record<KvType, GgmlType>> = {
  f16: GgmlType.F16,
  q8_0: GgmlType.Q8_0,
  q4_0: GgmlType.Q4_0,
}

/** Its llama.cpp is the one that this release of node-llama-cpp carries. */
const packageVersion = `node-llama-cpp ${await getModuleVersion()}`

export const engine: Engine = { descriptor: llamaCpp, version: () => packageVersion, load }

async function load(spec: LoadSpec): Promise<LoadedDecoder> {
  if (spec.task !== 'chat')
    throw new TandemError('ENGINE_FAILED', { engine: 'llama.cpp', why: `it does not serve ${spec.task}` })
  const path = await findGguf(spec.model)
  // llama.cpp explains a bad file in many lines: one of them becomes the error, all are shown when it loads
  const held: { line: string; isError: boolean }[] = []
  let loading = true
  const show = (line: string) => process.stderr.write(`llama.cpp: ${line}\n`)
  const mostThreads = Math.max(spec.threads, availableParallelism())
  const llama = await openLlama(spec.device, mostThreads, (line, isError) => {
    if (!loading) show(line)
    else if (held.length < MAX_HELD_LINES) held.push({ line, isError })
  })
  try {
    const model = await openModel(
      path,
      llama,
      spec.gpuLayers,
      () => held.find(({ isError }) => isError)?.line,
    )
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
      threads: { ideal: mostThreads, min: 1 },
      // llama.cpp knows what the device can do; a quantized cache needs it
      flashAttention: 'auto',
      experimentalKvCacheKeyType: kvType,
      experimentalKvCacheValueType: kvType,
      failedCreationRemedy: false,
    })
    llama.maxThreads = spec.threads
    loading = false
    for (const { line } of held) show(line)
    return new LlamaDecoder({
      llama,
      model,
      context,
      wrapper: resolveChatWrapper(model),
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

/** Tokens that are read at once: the same for a model and thread count, because results depend on it. */
function blockOf({ model, threads, blockThreads = threads }: LoadSpec): number {
  const tokens = (WORK_PER_BLOCK * blockThreads) / (2 * model.parameters)
  return Math.max(MIN_BLOCK, Math.min(MAX_BLOCK.cpu, Math.floor(tokens / MIN_BLOCK) * MIN_BLOCK))
}

async function openModel(
  path: string,
  llama: Awaited<ReturnType<typeof openLlama>>,
  layers: number | undefined,
  firstError: () => string | undefined,
): Promise<LlamaModel> {
  const gpuLayers = llama.gpu === false ? 0 : (layers ?? 'max')
  // with none the CPU would do the work in the name of the GPU
  if (llama.gpu !== false && gpuLayers === 0)
    throw new TandemError('ENGINE_FAILED', {
      engine: 'llama.cpp',
      why: 'gpuLayers is 0; a GPU takes at least 1',
    })
  try {
    return await llama.loadModel({ modelPath: path, gpuLayers })
  } catch (thrown) {
    const why = firstError() ?? firstSentence(thrown)
    // too little memory is no fault of the file
    if (/memory|vram/i.test(`${why} ${String(thrown)}`)) throw thrown
    throw bad(path, why, thrown)
  }
}
