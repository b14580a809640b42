import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { describeOpenVino } from '../../../test/support/openvino.ts'
import { loadEncoder, never, specOf, tinyClassifier } from './load.suite.ts'

const LOADS = fileURLToPath(new URL('../../../test/fakes/openvino-loads.js', import.meta.url))

describeOpenVino('a model that OpenVINO loaded', () => {
  // What a load keeps beside weights (requests, tensors, compiled graphs) shows over many loads of a small model;
  // weights, 17 MB of them, over a few of the shipped one, which takes half a second to compile.
  test.each([
    ['a small model, 200 times', 200, specOf('CPU', {}, tinyClassifier), 20],
    ['the shipped model, 50 times', 50, specOf('CPU'), 60],
  ])('is gone from memory when it is unloaded: %s', (_, times, spec, growth) => {
    const args = ['--expose-gc', LOADS, JSON.stringify(spec), String(times)]
    const run = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 24 })
    expect(run.status, run.stderr).toBe(0)
    const megabytes = run.stdout
      .trim()
      .split('\n')
      .map((bytes) => Number(bytes) / 2 ** 20)
    expect(megabytes.length).toBe(times / 10)
    const half = megabytes.length / 2
    const early = Math.min(...megabytes.slice(1, Math.ceil(half)))
    expect(Math.min(...megabytes.slice(half)) - early, megabytes.join(' ')).toBeLessThan(growth)
  })

  test('shares the process with another, on another device', async () => {
    const [a, b] = await Promise.all([
      loadEncoder(specOf('CPU')),
      loadEncoder(specOf('HETERO:CPU', { shapes: 'static', buckets: [128] })),
    ])
    const texts = Array.from({ length: 40 }, (_, i) => `text number ${i}`)
    const [fromA, fromB] = await Promise.all([
      a.embed(texts, 'passage', never),
      b.embed(texts, 'passage', never),
    ])
    const dot = fromA.vectors.reduce((sum, value, i) => sum + value * fromB.vectors[i]!, 0)
    expect(dot / texts.length).toBeGreaterThanOrEqual(0.999)
    await a.dispose()
    expect((await b.embed(['still there'], 'query', never)).tokens.length).toBe(1)
    await b.dispose()
  })

  test('can be unloaded while its longer shapes compile, and while it answers', async () => {
    const encoder = await loadEncoder(specOf('CPU', { shapes: 'static', buckets: [32, 256, 384, 512] }))
    const answer = encoder.embed(['short', 'long '.repeat(300)], 'passage', never)
    const ends = await Promise.allSettled([answer, encoder.dispose()])
    expect(ends[1].status).toBe('fulfilled')
    if (ends[0].status === 'rejected') expect(ends[0].reason).toMatchObject({ code: 'ENGINE_FAILED' })
    await expect(encoder.embed(['a'], 'query', never)).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  })

  test('serves short texts before its longest shape is compiled', async () => {
    const encoder = await loadEncoder(specOf('CPU', { shapes: 'static', buckets: [32, 512] }))
    const order: string[] = []
    await Promise.all([
      encoder.embed(['long '.repeat(300)], 'passage', never).then(() => order.push('long')),
      encoder.embed(['short'], 'passage', never).then(() => order.push('short')),
    ])
    expect(order).toEqual(['short', 'long'])
    await encoder.dispose()
  })

  test('does not hold a cancelled text until its shape is compiled', async () => {
    const encoder = await loadEncoder(specOf('CPU', { shapes: 'static', buckets: [32, 384, 512] }))
    const order: string[] = []
    const abort = new AbortController()
    const cancelled = encoder.embed(['long '.repeat(450)], 'passage', abort.signal).catch((error) => {
      order.push(error.code)
    })
    const kept = encoder.embed(['long '.repeat(450)], 'passage', never).then(() => order.push('kept'))
    setImmediate(() => abort.abort())
    await Promise.all([cancelled, kept])
    expect(order).toEqual(['CANCELLED', 'kept'])
    await encoder.dispose()
  })

  test('ends an abort in the middle of an answer without leaving a request busy', async () => {
    const encoder = await loadEncoder(specOf('CPU', { requests: 2 }))
    const texts = Array.from({ length: 64 }, (_, i) => `word ${'more '.repeat(20 + i)}`)
    for (let round = 0; round < 5; round++) {
      const abort = new AbortController()
      const answer = encoder.embed(texts, 'passage', abort.signal)
      setImmediate(() => setImmediate(() => abort.abort()))
      await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' })
    }
    const output = await encoder.embed(texts, 'passage', never)
    expect(output.tokens.length).toBe(64)
    await encoder.dispose()
  })

  describe('with a cache folder', () => {
    let cacheFolder: string
    beforeAll(async () => {
      cacheFolder = await mkdtemp(join(tmpdir(), 'tandem-cache-'))
    })
    afterAll(() => rm(cacheFolder, { recursive: true, force: true }))

    test.each(['CPU', 'HETERO:CPU'])('%s is compiled once', async (device) => {
      const told = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
      const vectors: Float32Array[] = []
      for (let load = 0; load < 2; load++) {
        const encoder = await loadEncoder(specOf(device, { cacheFolder, shapes: 'static', buckets: [64] }))
        vectors.push((await encoder.embed(['a text'], 'passage', never)).vectors)
        await encoder.dispose()
      }
      const lines = told.mock.calls.map(([line]) => String(line)).filter((line) => line.includes(' on '))
      told.mockRestore()
      expect(lines.map((line) => /taken from the cache|compiled/.exec(line)?.[0])).toEqual([
        'compiled',
        'taken from the cache',
      ])
      expect(vectors[1]).toEqual(vectors[0])
    })

    test('its name holds the version', async () => {
      const [name] = await readdir(cacheFolder)
      expect(name).toMatch(/^20\d\d\.\d+\.\d+-\d+$/)
    })
  })
})
