/** The estimates against llama.cpp itself: what it allocates for the shipped model, what it plans for large ones. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allocated, type Held, type Opening, planned } from '../../../test/support/llama-memory.ts'
import { PUBLISHED, writePlannable } from '../../../test/support/published-models.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { DecoderShape, KvType } from '../../domain/index.ts'
import { loadCatalogue, readModelShape, shapeOfSpec } from '../../models/index.ts'
import { decoderNeed } from './decoder-need.ts'

const TOLERANCE = 0.05

let folder: string
let llama: Llama
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-fit-'))
  llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: 1,
    logLevel: LlamaLogLevel.warn,
  })
})
afterAll(async () => {
  await llama?.dispose()
  await rm(folder, { recursive: true, force: true })
})

function estimateOnCpu(shape: DecoderShape, opening: Opening): number {
  const { batchTokens, slots, ...load } = opening
  const engine = { processBytes: 0, batchTokens: batchTokens - slots }
  return decoderNeed(shape, { ...load, slots, cpuExpertLayers: 0 }, engine, true).hostBytes
}

function expectNear(estimate: number, real: number): void {
  expect(estimate / real).toBeGreaterThan(1 - TOLERANCE)
  expect(estimate / real).toBeLessThan(1 + TOLERANCE)
}

const total = (held: { weights: Held; context: Held }) => held.weights.host + held.context.host

test.each<[number, number, KvType]>([
  [512, 1, 'f16'],
  [2048, 1, 'f16'],
  [2048, 4, 'f16'],
  [2048, 4, 'q8_0'],
])(
  'the shipped chat model, %i tokens in %i slots, %s: what llama.cpp allocates',
  async (contextTokens, slots, kvType) => {
    const model = (await loadCatalogue([join(PACKAGE_ROOT, 'models')])).get('tandem-tiny-chat')!
    const shape = (await readModelShape(model)) as DecoderShape
    const modelPath = join(model.folder, model.files.gguf![0]!.path)
    const loaded = await llama.loadModel({ modelPath, gpuLayers: 0, useMmap: false })
    const type = kvType === 'f16' ? 'F16' : 'Q8_0'
    const context = await loaded.createContext({
      contextSize: contextTokens,
      sequences: slots,
      batchSize: 96 + slots,
      flashAttention: 'auto',
      experimentalKvCacheKeyType: type,
      experimentalKvCacheValueType: type,
    })
    const real = allocated(loaded, context)
    await context.dispose()
    await loaded.dispose()
    const opening = { gpuLayers: 0, contextTokens, slots, batchTokens: 96 + slots, kvType }
    expectNear(estimateOnCpu(shape, opening), total(real))
  },
)

const decoders = PUBLISHED.filter(({ kvNumbersPerToken }) => kvNumbersPerToken !== null)
const openings: Opening[] = [
  { gpuLayers: 0, contextTokens: 4096, slots: 1, batchTokens: 97, kvType: 'f16' },
  { gpuLayers: 0, contextTokens: 16_384, slots: 2, batchTokens: 98, kvType: 'f16' },
  { gpuLayers: 0, contextTokens: 16_384, slots: 1, batchTokens: 513, kvType: 'q8_0' },
]

test.each(decoders)('$model: what llama.cpp plans on the CPU', async ({ model, spec, files }) => {
  const path = join(folder, `${model}.gguf`)
  const { recipe } = files[0]!
  await writePlannable(path, spec, recipe)
  const shape = shapeOfSpec(spec, recipe) as DecoderShape
  for (const opening of openings) {
    const plan = await planned(llama, path, opening)
    const cache = decoderNeed(
      shape,
      { ...opening, cpuExpertLayers: 0 },
      { processBytes: 0, batchTokens: opening.batchTokens - opening.slots },
      true,
    )
    expectNear(estimateOnCpu(shape, opening), total(plan))
    // the weights alone are exact, so that the rest cannot hide behind them
    expect(Math.abs(cache.weightBytes / plan.weights.host - 1)).toBeLessThan(0.001)
    expectNear(cache.kvBytes + cache.computeBytes, plan.context.host)
  }
})

test('latent attention that llama.cpp does not unpack', async () => {
  const { spec } = PUBLISHED.find(({ model }) => model.startsWith('DeepSeek'))!
  const absorbed = { ...spec, latent: { ...spec.latent!, absorbed: true } }
  const path = join(folder, 'absorbed.gguf')
  await writePlannable(path, absorbed, 'Q4_K_M')
  const shape = shapeOfSpec(absorbed, 'Q4_K_M') as DecoderShape
  const opening = openings[1]!
  expectNear(estimateOnCpu(shape, opening), total(await planned(llama, path, opening)))
})
