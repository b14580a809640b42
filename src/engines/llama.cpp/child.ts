/** The llama.cpp engine. Native code: loaded in worker processes only. */
import { getModuleVersion, type LlamaModel, resolveChatWrapper } from 'node-llama-cpp'
import { TandemError } from '../../domain/index.ts'
import type { Engine, LoadedDecoder, LoadSpec } from '../contract.ts'
import { LlamaDecoder } from './decoder.ts'
import { llamaCpp } from './descriptor.ts'
import { firstSentence, openLlama } from './device.ts'
import { bad, findGguf } from './model-file.ts'

/** Multiplications and additions that one thread does in the time in which a cancel must be seen. */
const WORK_PER_BLOCK = 6e9
const MIN_BLOCK = 16
const MAX_BLOCK_CPU = 96
const BLOCK_GPU = 512
const MAX_HELD_LINES = 100

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
  const llama = await openLlama(spec.device, spec.threads, (line, isError) => {
    if (!loading) show(line)
    else if (held.length < MAX_HELD_LINES) held.push({ line, isError })
  })
  try {
    const model = await openModel(path, llama, () => held.find(({ isError }) => isError)?.line)
    const contextTokens = Math.min(
      spec.contextTokens ?? spec.model.contextTokens,
      spec.model.contextTokens,
      model.trainContextSize,
    )
    const slots = Math.max(1, spec.slots ?? 1)
    const block = llama.gpu === false ? blockOf(spec) : BLOCK_GPU
    const context = await model.createContext({
      contextSize: contextTokens,
      sequences: slots,
      batchSize: block + slots,
      threads: spec.threads,
      failedCreationRemedy: false,
    })
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
function blockOf(spec: LoadSpec): number {
  const tokens = (WORK_PER_BLOCK * spec.threads) / (2 * spec.model.parameters)
  return Math.max(MIN_BLOCK, Math.min(MAX_BLOCK_CPU, Math.floor(tokens / MIN_BLOCK) * MIN_BLOCK))
}

async function openModel(
  path: string,
  llama: Awaited<ReturnType<typeof openLlama>>,
  firstError: () => string | undefined,
): Promise<LlamaModel> {
  try {
    return await llama.loadModel({ modelPath: path, gpuLayers: llama.gpu === false ? 0 : 'max' })
  } catch (thrown) {
    const why = firstError() ?? firstSentence(thrown)
    // too little memory is no fault of the file
    if (/memory|vram/i.test(`${why} ${String(thrown)}`)) throw thrown
    throw bad(path, why, thrown)
  }
}
