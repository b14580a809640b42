/** The real engines: a measurement must rank them as whoever uses a worker directly would. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { describeOpenVino, openVinoLibrary } from '../../../test/support/openvino.ts'
import { describeVulkan, VULKAN } from '../../../test/support/vulkan.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { EngineId, Measurement, Task } from '../../domain/index.ts'
import type { LoadSpec } from '../../engines/contract.ts'
import { type Catalogue, loadCatalogue } from '../../models/index.ts'
import { startWorker, type Worker, type WorkerOptions } from '../../workers/index.ts'
import { type Candidate, speedOf } from './candidate.ts'
import { codeText } from './code-text.ts'
import { encoderRun, probeOf, textsOf } from './encoder.ts'
import { measureInterference } from './interference.ts'
import { measurePlacement } from './measure.ts'

const EMBED = 'tandem-embed-small'
const CHAT = 'tandem-tiny-chat'

let catalogue: Catalogue
beforeAll(async () => {
  catalogue = await loadCatalogue([
    join(PACKAGE_ROOT, 'models'),
    join(PACKAGE_ROOT, 'test', 'data', 'models'),
  ])
})

interface Where extends Partial<LoadSpec> {
  readonly env?: WorkerOptions['env']
}

function candidate(task: Task, id: string, engine: EngineId, { env, ...spec }: Where = {}): Candidate {
  const model = catalogue.find(id)
  const { device = 'cpu' } = spec
  const kind = device === VULKAN.device ? 'dgpu' : 'cpu'
  const placement = { task, model: id, engine, device, kind, simulated: false } as const
  const options = { placement, spec: { model, task, device, threads: 1, ...spec }, ...(env ? { env } : {}) }
  return { placement, options }
}

const openVino = (): Where => ({ device: 'CPU', settings: { library: openVinoLibrary } })

/** What a placement that works tells, whatever its speed. */
function expectEncoder(
  { failed, from, threads, loadMs, hostBytes, encoder }: Measurement,
  lengths: number[],
) {
  expect({ failed, from, threads }).toEqual({ failed: undefined, from: 'measured', threads: 1 })
  expect(loadMs).toBeGreaterThan(0)
  if (process.platform === 'linux') expect(hostBytes).toBeGreaterThan(50_000_000)
  expect(lengths).toEqual(expect.arrayContaining(encoder!.buckets.map(({ tokens }) => tokens)))
  expect(encoder?.buckets[0]).toMatchObject({ tokens: lengths[0], batch: 1 })
}

describe('encoders', () => {
  test.each([
    ['embed', EMBED, [128, 256, 512]],
    ['rerank', 'tiny-reranker', [128]],
    ['classify', 'tiny-classifier', [128]],
  ] as const)('%s by ONNX Runtime', async (task, id, lengths) => {
    const { contextTokens } = catalogue.find(id)
    const expected = contextTokens < 128 ? [contextTokens] : [...lengths]
    expectEncoder(await measurePlacement(candidate(task, id, 'onnxruntime'), { budgetMs: 1500 }), expected)
  })

  test('texts are as long as their bucket says, and none is cut', async () => {
    const seen: { tokens: readonly number[]; truncated: readonly number[]; bucket: number }[] = []
    const { options } = candidate('embed', EMBED, 'onnxruntime')
    const worker = startWorker(options)
    try {
      await worker.ready()
      const { tokensPerChar } = await probeOf(encoderRun(worker), 512, { deadlineMs: 60_000 })
      for (const bucket of [128, 256, 512])
        for (const round of [0, 1, 2]) {
          const inputs = textsOf(bucket, 8, tokensPerChar, round)
          seen.push({ bucket, ...(await worker.embed({ model: EMBED, inputs, purpose: 'passage' })) })
        }
    } finally {
      await worker.stop(1000)
    }
    for (const { bucket, tokens, truncated } of seen) {
      expect(truncated).toEqual([])
      expect(Math.min(...tokens)).toBeGreaterThan(bucket * 0.8)
      expect(Math.max(...tokens)).toBeLessThanOrEqual(bucket)
    }
  })
})

describeOpenVino('OpenVINO', () => {
  test('[measured-placement] it ranks against ONNX Runtime as a direct measurement says', async () => {
    const candidates = [
      candidate('embed', EMBED, 'onnxruntime'),
      candidate('embed', EMBED, 'openvino', openVino()),
    ]
    const direct = await directMs(candidates)
    const measured = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    // turn about, the best of each: what the machine does besides slows down one more than the other
    for (let round = 0; round < 3; round++)
      for (const [at, each] of candidates.entries()) {
        const { encoder } = await measurePlacement(each, { budgetMs: 700 })
        // it fails where the machine stood still for longer than that
        if (encoder) measured[at] = Math.min(measured[at]!, encoder.buckets[0]!.msPerText)
      }
    expect(measured.every(Number.isFinite)).toBe(true)
    // engines this close may change places on a machine that does other things
    const close = 1.5
    const [directRatio, ratio] = [direct[0]! / direct[1]!, measured[0]! / measured[1]!]
    if (directRatio > close) expect(ratio).toBeGreaterThan(1)
    else if (directRatio < 1 / close) expect(ratio).toBeLessThan(1)
    else expect(Math.abs(Math.log(ratio))).toBeLessThan(Math.log(close * 2))
  })

  test('a device that is not here', async () => {
    const where = { ...openVino(), device: 'NPU.7' }
    const { failed } = await measurePlacement(candidate('embed', EMBED, 'openvino', where))
    expect(failed).toMatch(/NPU\.7/)
  })
})

/** Milliseconds of one text of about 128 tokens by workers that nobody measures, turn about. */
async function directMs(candidates: readonly Candidate[]): Promise<number[]> {
  const workers = candidates.map(({ options }) => startWorker(options))
  try {
    await Promise.all(workers.map((worker) => worker.ready()))
    const times: number[][] = workers.map(() => [])
    for (let round = 0; round < 15; round++)
      for (const [index, worker] of workers.entries()) times[index]!.push(await textMs(worker, round))
    return times.map((list) => Math.min(...list.slice(2)))
  } finally {
    await Promise.all(workers.map((worker) => worker.stop(1000)))
  }
}

async function textMs(worker: Worker, round: number): Promise<number> {
  const startedMs = performance.now()
  await worker.embed({ model: EMBED, inputs: [codeText(round, 400)], purpose: 'passage' })
  return performance.now() - startedMs
}

describe('chat', () => {
  test('by llama.cpp on the CPU', async () => {
    const { decoder, failed, threads } = await measurePlacement(candidate('chat', CHAT, 'llama.cpp'), {
      budgetMs: 1500,
    })
    expect({ failed, threads }).toEqual({ failed: undefined, threads: 1 })
    expect(decoder?.decodeTokensPerSecond).toBeGreaterThan(0)
    expect(decoder?.promptTokensPerSecond).toBeGreaterThan(decoder!.decodeTokensPerSecond)
  })

  test('interference: shares of the speed alone', async () => {
    const [chat, embed] = [candidate('chat', CHAT, 'llama.cpp'), candidate('embed', EMBED, 'onnxruntime')]
    const { first, second, firstKeeps, secondKeeps } = await measureInterference(chat, embed, {
      budgetMs: 6000, // twice that ends it: a machine may stand still for seconds
    })
    expect([first.task, second.task]).toEqual(['chat', 'embed'])
    for (const share of [firstKeeps, secondKeeps]) {
      expect(share).toBeGreaterThan(0)
      expect(share).toBeLessThanOrEqual(1)
    }
  })
})

describeVulkan('chat on a Vulkan device', () => {
  test('[measured-placement] it is measured within the budget', async () => {
    const budgetMs = 6000
    const gpu = await measurePlacement(candidate('chat', CHAT, 'llama.cpp', VULKAN), { budgetMs })
    expect(gpu.failed).toBeUndefined()
    expect(gpu.threads).toBeUndefined()
    const cpu = await measurePlacement(candidate('chat', CHAT, 'llama.cpp'), { budgetMs: 1500 })
    expect(gpu.decoder?.decodeTokensPerSecond).toBeGreaterThan(0)
    // a renderer in software is some ten times slower than the CPU itself; a GPU is of its own speed
    if (!existsSync('/dev/dri')) expect(speedOf(gpu)).toBeLessThan(speedOf(cpu)!)
  })
})
