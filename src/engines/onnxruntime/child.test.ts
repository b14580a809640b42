import { cp, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import reference from '../../../test/data/reference-vectors.json' with { type: 'json' }
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { Model } from '../../domain/index.ts'
import { loadCatalogue } from '../../models/index.ts'
import { encoderSuite } from '../contract.suite.ts'
import type { LoadedEncoder, LoadSpec } from '../contract.ts'
import { engine } from './child.ts'

const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'models')])
const model = catalogue.find('tandem-embed-small')
const spec: LoadSpec = { model, task: 'embed', device: 'cpu', threads: 1 }
const never = new AbortController().signal
/** Compute threads that are given to inferences beside each other. */
const LANES = 5

async function load(changes: Partial<LoadSpec> = {}): Promise<LoadedEncoder> {
  const loaded = await engine.load({ ...spec, ...changes })
  if (loaded.kind !== 'encoder') throw new Error('not an encoder')
  return loaded
}

function cosine(vectors: Float32Array, row: number, base64: string): number {
  const expected = new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer)
  return expected.reduce((sum, value, d) => sum + value * vectors[row * expected.length + d]!, 0)
}

encoderSuite('onnxruntime on the CPU', load)
encoderSuite('onnxruntime on the CPU, in lanes', () => load({ threads: LANES }))

describe('lanes', () => {
  const texts = reference.entries.map(({ text }) => text)

  test('as many calls at once as there are threads, and one on one thread', async () => {
    const encoder = await load({ threads: LANES })
    expect(encoder.atOnce).toBe(LANES)
    await encoder.setThreads?.(1)
    expect(encoder.atOnce).toBeUndefined()
    await encoder.setThreads?.(LANES)
    expect(encoder.atOnce).toBe(LANES)
    await encoder.dispose()
  })

  test('they leave the thread that asks them free', async () => {
    const encoder = await load({ threads: LANES })
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await encoder.embed(texts, 'passage', never)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
    await encoder.dispose()
  })

  test('a call that is cancelled ends', async () => {
    const encoder = await load({ threads: LANES })
    const controller = new AbortController()
    const call = encoder.embed(texts, 'passage', controller.signal)
    setTimeout(() => controller.abort(), 5)
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' })
    await encoder.dispose()
  })

  test.each([0, 2, 4, 6, 8, 12, 20])('what is disposed of %i ms into a call ends it', async (afterMs) => {
    const encoder = await load({ threads: LANES })
    const call = encoder.embed([...texts, ...texts, ...texts], 'passage', never)
    const ended = expect(call).rejects.toMatchObject({ message: expect.stringContaining('was unloaded') })
    await sleep(afterMs)
    await encoder.dispose()
    await ended
  })

  test('[vector-safe] the reference vectors are reproduced', async () => {
    const encoder = await load({ threads: LANES })
    const { vectors } = await encoder.embed(texts, 'passage', never)
    reference.entries.forEach((entry, row) => {
      expect(cosine(vectors, row, entry.vector), entry.text.slice(0, 40)).toBeGreaterThanOrEqual(0.999)
    })
    await encoder.dispose()
  })
})

test('the engine names the version of its library', () => {
  expect(engine.version()).toMatch(/^\d+\.\d+\.\d+/)
})

test.runIf(process.platform === 'linux')(
  'other compute threads are there, and the old ones gone',
  async () => {
    const threads = async () => (await readdir('/proc/self/task')).length
    const encoder = await load({ threads: 1 })
    await encoder.embed(['first'], 'passage', never)
    const before = await threads()
    await encoder.setThreads?.(9) // more than Node's own pool may add meanwhile
    await encoder.embed(['second'], 'passage', never)
    await expect.poll(threads).toBeGreaterThanOrEqual(before + 8)
    await encoder.setThreads?.(1)
    await expect.poll(threads).toBeLessThan(before + 8)
    await encoder.dispose()
  },
)

describe('reference vectors', () => {
  let encoder: LoadedEncoder
  beforeAll(async () => {
    encoder = await load()
  })
  afterAll(() => encoder.dispose())

  test('there are 32, and their model is the shipped one', () => {
    expect(reference.entries.length).toBe(32)
    expect(reference).toMatchObject({ model: model.id, revision: model.revision, dimensions: 384 })
  })

  test('[vector-safe] all are reproduced in one batch', async () => {
    const texts = reference.entries.map((entry) => entry.text)
    const output = await encoder.embed(texts, 'passage', never)
    expect(output.tokens).toEqual(reference.entries.map((entry) => entry.tokens))
    reference.entries.forEach((entry, i) => {
      expect(cosine(output.vectors, i, entry.vector), entry.text.slice(0, 40)).toBeGreaterThanOrEqual(0.999)
    })
  })

  test.each(
    reference.entries.map((entry, i) => [i, JSON.stringify(entry.text.slice(0, 40)), entry] as const),
  )('[vector-safe] %i is reproduced alone: %s', async (_, __, entry) => {
    const output = await encoder.embed([entry.text], 'passage', never)
    expect(cosine(output.vectors, 0, entry.vector)).toBeGreaterThanOrEqual(0.999)
  })
})

describe('files that are not right', () => {
  let folder: string
  let copy: Model
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-onnx-'))
    await cp(model.folder, folder, { recursive: true })
    copy = { ...model, folder }
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const loadCopy = (): Promise<LoadedEncoder> => load({ model: copy })
  const onnx = (): string => join(folder, 'onnx/model_quantized.onnx')

  test('weights that are no model are named, by one session and by lanes', async () => {
    await writeFile(onnx(), Buffer.alloc(17_467_010, 'x'))
    for (const threads of [1, LANES])
      await expect(load({ model: copy, threads })).rejects.toMatchObject({
        code: 'MODEL_FILE_BAD',
        message: expect.stringContaining('model_quantized.onnx: '),
      })
    await cp(join(model.folder, 'onnx/model_quantized.onnx'), onnx())
  })

  test('a changed tokenizer is named', async () => {
    const file = join(folder, 'tokenizer.json')
    await writeFile(file, '{"model"'.padEnd(378_609))
    await expect(loadCopy()).rejects.toMatchObject({
      code: 'MODEL_FILE_BAD',
      message: expect.stringContaining('tokenizer.json: '),
    })
    await cp(join(model.folder, 'tokenizer.json'), file)
  })

  test('changed, cut and missing weights are named', async () => {
    await writeFile(onnx(), Buffer.alloc(17_467_010, 'x'))
    await expect(loadCopy()).rejects.toMatchObject({
      code: 'MODEL_FILE_BAD',
      message: expect.stringContaining('model_quantized.onnx: '),
    })
    await truncate(onnx(), 1000)
    await expect(loadCopy()).rejects.toMatchObject({
      code: 'MODEL_FILE_BAD',
      message: expect.stringContaining('1000 bytes, the manifest says 17467010'),
    })
    await rm(onnx())
    await expect(loadCopy()).rejects.toMatchObject({ code: 'MODEL_FILE_BAD' })
  })

  test.each([1, LANES])(
    'a manifest with other dimensions than the weights is refused on %i threads',
    async (threads) => {
      const wrong = { ...model, embedding: { ...model.embedding!, dimensions: 768 } }
      const loaded = await load({ model: wrong, threads })
      await expect(loaded.embed(['warm up'], 'passage', never)).rejects.toMatchObject({
        code: 'ENGINE_FAILED',
        message: expect.stringContaining('the model has 384 dimensions, the manifest says 768'),
      })
      await loaded.dispose()
    },
  )

  test('another device or a model without vectors is refused', async () => {
    await expect(load({ device: 'gpu0' })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('cpu only'),
    })
    await expect(load({ model: catalogue.find('tandem-tiny-chat') })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    })
  })
})
