import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { EmbedOutput, Model } from '../domain/index.ts'
import { admitVectors } from './reference.ts'

const DIMENSIONS = 16
let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tandem-reference-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const model = (changes: Partial<Model> = {}): Model => ({
  id: 'm',
  title: 'm',
  revision: '1',
  license: 'Apache-2.0',
  tasks: ['embed'],
  parameters: 1,
  contextTokens: 512,
  files: {},
  folder: join(home, 'model'),
  fingerprint: 'abc',
  ...changes,
})

/** An engine whose vectors depend on the text, turned away from the others' by `turn`. */
const engine =
  (turn: number) =>
  async (texts: readonly string[]): Promise<EmbedOutput> => {
    const vectors = new Float32Array(texts.length * DIMENSIONS)
    texts.forEach((text, row) => {
      for (let i = 0; i < text.length; i++) vectors[row * DIMENSIONS + (i % 8)]! += text.charCodeAt(i)
      const norm = Math.hypot(...vectors.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS))
      vectors[row * DIMENSIONS + 15] = norm * turn
    })
    return { vectors, dimensions: DIMENSIONS, tokens: texts.map(() => 1), truncated: [] }
  }

const admit = (placement: string, turn: number, changes: Partial<Model> = {}): Promise<void> =>
  admitVectors({ model: model(changes), home, placement }, engine(turn))

test('[vector-safe] the first engine makes the references; one that agrees is admitted, one that differs is not', async () => {
  await admit('onnxruntime on cpu', 0)
  await admit('openvino on CPU', 0.1) // cosine .995
  await expect(admit('openvino on NPU', 0.2)).rejects.toMatchObject({
    code: 'VECTOR_MISMATCH',
    details: { engine: 'openvino on NPU', cosine: '0.9806', madeBy: 'onnxruntime on cpu' },
  })
  await admit('openvino on NPU', 0.2, { fingerprint: 'another' })
})

test('[vector-safe] of two engines that start at once, the second is compared with the first', async () => {
  const results = await Promise.allSettled([admit('a', 0), admit('b', 1)])
  expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected'])
})

test("[vector-safe] the model's own references come first, and hold also without any in the home", async () => {
  const vector = new Float32Array(DIMENSIONS)
  vector[3] = 1
  const entries = [{ text: 'any', vector: Buffer.from(vector.buffer).toString('base64') }]
  const file = join(home, 'tandem.reference.json')
  await writeFile(file, JSON.stringify({ madeBy: 'its makers', dimensions: DIMENSIONS, entries }))
  await expect(admit('a', 0, { folder: home })).rejects.toThrow(/those that its makers made/)
  expect(await readdir(home)).toEqual(['tandem.reference.json'])
})

test('vectors of another width are refused', async () => {
  await admit('a', 0)
  const narrow = async (texts: readonly string[]): Promise<EmbedOutput> => ({
    vectors: new Float32Array(texts.length * 8).fill(1),
    dimensions: 8,
    tokens: texts.map(() => 1),
    truncated: [],
  })
  await expect(admitVectors({ model: model(), home, placement: 'b' }, narrow)).rejects.toMatchObject({
    code: 'VECTOR_MISMATCH',
  })
})

test('a broken file of references is set aside and made anew', async () => {
  await admit('a', 0)
  const file = join(home, 'references', 'abc.json')
  await writeFile(file, '{"cut')
  await admit('b', 1)
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ madeBy: 'b' })
  expect(await readFile(`${file}.broken`, 'utf8')).toBe('{"cut')
})
