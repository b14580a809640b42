/** What a model takes on a GPU and beside it, against llama.cpp on a Vulkan device in software. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allocated, type Held, type Opening, planned } from '../../../test/support/llama-memory.ts'
import { writePlannable } from '../../../test/support/published-models.ts'
import { describeVulkan } from '../../../test/support/vulkan.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { DecoderShape } from '../../domain/index.ts'
import { loadCatalogue, type ModelSpec, readModelShape, shapeOfSpec } from '../../models/index.ts'
import { decoderNeed } from './decoder-need.ts'

/** TinyLlama 1.1B by its config.json: no tensor is larger than the device in software takes. */
const SPEC: ModelSpec = {
  architecture: 'llama',
  contextTokens: 16_384,
  layers: 22,
  hidden: 2048,
  feedForward: 5632,
  vocabulary: 32_000,
  heads: 32,
  kvHeads: 4,
  tied: false,
}

function expectNear(estimate: number, real: number, tolerance: number): void {
  expect(estimate / real).toBeGreaterThan(1 - tolerance)
  expect(estimate / real).toBeLessThan(1 + tolerance)
}

function estimate(shape: DecoderShape, opening: Opening): Held {
  const { batchTokens, ...load } = opening
  const engine = { processBytes: 0, batchTokens: batchTokens - opening.slots }
  const need = decoderNeed(shape, { ...load, cpuExpertLayers: 0 }, engine, false)
  return { device: need.deviceBytes, host: need.hostBytes }
}

describeVulkan('a decoder on a GPU', () => {
  let folder: string
  let llama: Llama
  beforeAll(async () => {
    // else llama.cpp hides a device in software
    process.env['GGML_VK_VISIBLE_DEVICES'] = '0'
    folder = await mkdtemp(join(tmpdir(), 'tandem-fit-gpu-'))
    const quiet = { logLevel: LlamaLogLevel.error, progressLogs: false }
    llama = await getLlama({ gpu: 'vulkan', build: 'never', skipDownload: true, maxThreads: 1, ...quiet })
    expect(await llama.getGpuDeviceNames()).toHaveLength(1)
  })
  afterAll(async () => {
    await llama?.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  const common = { contextTokens: 4096, slots: 1, batchTokens: 513, kvType: 'f16' } as const
  test.each<[string, Opening]>([
    ['all layers', { ...common, gpuLayers: 23 }],
    [
      'all layers, a long quantized cache',
      { ...common, gpuLayers: 23, contextTokens: 16_384, kvType: 'q8_0' },
    ],
    ['all layers, four slots', { ...common, gpuLayers: 23, slots: 4, batchTokens: 516 }],
    ['half of the layers', { ...common, gpuLayers: 12 }],
    ['the head and one layer', { ...common, gpuLayers: 2 }],
  ])('%s: what llama.cpp plans on the device and beside it', async (name, opening) => {
    const path = join(folder, `${name}.gguf`)
    await writePlannable(path, SPEC, 'Q4_K_M')
    const plan = await planned(llama, path, opening)
    const real = {
      device: plan.weights.device + plan.context.device,
      host: plan.weights.host + plan.context.host,
    }
    const need = estimate(shapeOfSpec(SPEC, 'Q4_K_M') as DecoderShape, opening)
    expectNear(need.device, real.device, 0.15)
    expectNear(need.host, real.host, 0.15)
  })

  const small = { contextTokens: 8192, layers: 8, hidden: 1024, vocabulary: 32_000, heads: 16, kvHeads: 4 }
  const dense = { ...small, feedForward: 4096, tied: false }
  const experts = { count: 16, used: 4, feedForward: 512 }
  test.each<ModelSpec>([
    { ...dense, architecture: 'qwen2' },
    { ...dense, architecture: 'phi3' },
    { ...dense, architecture: 'gemma3', window: 512, tied: true },
    { ...dense, architecture: 'qwen3moe', experts },
    { ...dense, architecture: 'gpt-oss', window: 128, experts: { ...experts, feedForward: 1024 } },
    {
      ...dense,
      architecture: 'deepseek2',
      layers: 27, // by it llama.cpp knows the small one
      kvHeads: 16,
      experts: { ...experts, shared: 1024, denseLayers: 1 },
      latent: { rank: 512, ropeSize: 64, keySize: 128, valueSize: 128, absorbed: false },
    },
  ])('a small $architecture: what llama.cpp plans on the device and beside it', async (spec) => {
    const path = join(folder, `${spec.architecture}.gguf`)
    await writePlannable(path, spec, 'Q8_0')
    const opening = { ...common, gpuLayers: spec.layers + 1 }
    const plan = await planned(llama, path, opening)
    const need = estimate(shapeOfSpec(spec, 'Q8_0') as DecoderShape, opening)
    expectNear(need.device, plan.weights.device + plan.context.device, 0.05)
    expectNear(need.host, plan.weights.host + plan.context.host, 0.05)
  })

  test.each([9, 5])(
    'the shipped chat model with %i layers there: what llama.cpp allocates',
    async (gpuLayers) => {
      const model = (await loadCatalogue([join(PACKAGE_ROOT, 'models')])).get('tandem-tiny-chat')!
      const shape = (await readModelShape(model)) as DecoderShape
      const modelPath = join(model.folder, model.files.gguf![0]!.path)
      const loaded = await llama.loadModel({ modelPath, gpuLayers, useMmap: false })
      const context = await loaded.createContext({ contextSize: 2048, sequences: 2, batchSize: 514 })
      const { weights, context: buffers } = allocated(loaded, context)
      await context.dispose()
      await loaded.dispose()
      const need = estimate(shape, {
        gpuLayers,
        contextTokens: 2048,
        slots: 2,
        batchTokens: 514,
        kvType: 'f16',
      })
      expectNear(need.device, weights.device + buffers.device, 0.15)
      expectNear(need.host, weights.host + buffers.host, 0.15)
    },
  )
})
