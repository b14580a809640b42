import { join } from 'node:path'
import type { Llama, LlamaContext, LlamaModel, Token } from 'node-llama-cpp'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../../config/index.ts'
import { decode } from './decode.ts'
import { openLlama } from './device.ts'
import { chancesOf } from './sampling.ts'
import type { Slot } from './slots.ts'

const BLOCK = 32
let llama: Llama
let model: LlamaModel

beforeAll(async () => {
  llama = await openLlama('cpu', 1, () => {})
  const modelPath = join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat', 'tandem-tiny-chat-Q8_0.gguf')
  model = await llama.loadModel({ modelPath, gpuLayers: 0 })
})
const contexts: LlamaContext[] = []
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.dispose()
})
afterAll(async () => {
  await llama?.dispose()
})

/** A slot of its own context that notes the probabilities of every token it decodes. */
async function openSlot(): Promise<{ slot: Slot; seen: number[][] }> {
  const context = await model.createContext({ contextSize: 512, batchSize: BLOCK + 1, threads: 1 })
  contexts.push(context)
  const sequence = context.getSequence()
  const seen: number[][] = []
  sequence.evaluate = async function* (tokens, options) {
    for await (const step of sequence.evaluateWithMetadata(tokens, { probabilities: true }, options)) {
      seen.push([...step.probabilities.values()].slice(0, 50))
      yield step.token
    }
  }
  return { slot: { sequence, exact: 0 }, seen }
}

async function run(
  opened: { slot: Slot; seen: number[][] },
  prompt: readonly Token[],
  reproducible: boolean,
  replay: readonly Token[] = [],
) {
  opened.seen.length = 0
  const settings = { model, window: 512, block: BLOCK, exactReplay: 40 }
  const sampling = reproducible ? { temperature: 0, stop: [] } : { temperature: 0.01, stop: [] }
  const decoded = await decode(settings, opened.slot, {
    prompt,
    chances: chancesOf(sampling, undefined, 512),
    stops: [],
    stopTokens: new Set(),
    maxTokens: 40,
    signal: new AbortController().signal,
    replay: { tokens: replay, text: '' },
  })
  return { cached: decoded.cachedTokens, tokens: decoded.tokens, seen: structuredClone(opened.seen) }
}

test('what must be reproducible has the same bits with a warm and a cold cache; the rest reuses more', async () => {
  const start = model.tokenize(
    'The queue of a worker is bounded; a request that does not fit gets an error. '.repeat(5),
  )
  const more = model.tokenize(' Then the client waits as long as the answer says and tries again, once.')
  const warm = await openSlot()
  const cold = await openSlot()
  const first = await run(warm, start, true)
  expect(first.tokens.length).toBe(40) // more than a block of cells that were decoded one by one
  const prompt = [...start, ...first.tokens, ...more]

  const fresh = await run(cold, prompt, true)
  const again = await run(warm, prompt, true)
  expect(fresh.cached).toBe(0)
  expect(again.cached).toBe(Math.floor(start.length / BLOCK) * BLOCK)
  expect(again.seen).toEqual(fresh.seen)

  const free = await openSlot()
  await run(free, start, false)
  const reused = await run(free, prompt, false)
  expect(reused.cached).toBeGreaterThan(again.cached)
})

test('an answer that goes on has the same bits as one that was never interrupted', async () => {
  const prompt = model.tokenize(
    'The queue of a worker is bounded; a request that does not fit gets an error. '.repeat(5),
  )
  const whole = await run(await openSlot(), prompt, true)
  expect(whole.tokens.length).toBe(40)
  for (const cut of [1, 7, 33]) {
    const more = await run(await openSlot(), prompt, true, whole.tokens.slice(0, cut))
    expect(more.tokens).toEqual(whole.tokens)
    expect(more.seen).toEqual(whole.seen.slice(cut))
  }
})
