import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ggufFile, writeSparseGguf } from '../../../test/support/gguf.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { Model } from '../../domain/index.ts'
import { type Catalogue, loadCatalogue } from '../catalogue.ts'
import { readModelShape } from './read.ts'
import { headerOfSpec, type ModelSpec, shapeOfSpec } from './spec.ts'

let folder: string
let shipped: Catalogue
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-shape-'))
  shipped = await loadCatalogue([join(PACKAGE_ROOT, 'models')])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const named = (id: string) => shipped.get(id)!

function inFiles(...paths: string[]): Model {
  const files = paths.map((path) => ({ path, sizeBytes: 1, sha256: '' }))
  return { ...named('tandem-tiny-chat'), folder, files: { gguf: files } }
}

describe('GGUF', () => {
  test('the shipped chat model: its tensors are the file less its header', async () => {
    const shape = await readModelShape(named('tandem-tiny-chat'))
    if (shape?.kind !== 'decoder') throw new Error('no decoder')
    const bytes = shape.layerBytes.reduce((sum, each) => sum + each, 0) + shape.inputBytes + shape.outputBytes
    const file = 33_242_656
    expect(bytes).toBeLessThan(file)
    expect(bytes).toBeGreaterThan(0.98 * file)
    expect(shape).toMatchObject({ contextTokens: 2048, tiedBytes: shape.inputBytes })
    expect(Math.round(shape.parameters / 1e6)).toBe(31)
  })

  const spec: ModelSpec = {
    architecture: 'qwen3moe',
    contextTokens: 4096,
    layers: 4,
    hidden: 256,
    feedForward: 512,
    vocabulary: 1000,
    heads: 8,
    kvHeads: 2,
    tied: false,
    experts: { count: 8, used: 2, feedForward: 256 },
  }

  test('a file, or its parts, give what the published numbers give; experts stand apart', async () => {
    const header = headerOfSpec(spec, 'Q4_K_M')
    await writeSparseGguf(join(folder, 'whole.gguf'), header)
    const first = { ...header, tensors: header.tensors.slice(0, 9) }
    await writeSparseGguf(join(folder, 'a-00001-of-00002.gguf'), first, { 'split.count': 2 })
    await writeSparseGguf(join(folder, 'a-00002-of-00002.gguf'), {
      ...header,
      values: new Map(),
      tensors: header.tensors.slice(9),
    })
    const shape = shapeOfSpec(spec, 'Q4_K_M')
    expect(await readModelShape(inFiles('whole.gguf'))).toEqual(shape)
    expect(await readModelShape(inFiles('a-00001-of-00002.gguf', 'a-00002-of-00002.gguf'))).toEqual(shape)
    expect(await readModelShape(inFiles('a-00001-of-00002.gguf'))).toEqual(shape)
    await rm(join(folder, 'a-00002-of-00002.gguf'))
    await expect(readModelShape(inFiles('a-00001-of-00002.gguf'))).rejects.toThrow(/00002-of-00002.*missing/)
    if (shape.kind !== 'decoder') throw new Error('no decoder')
    const perExpert = 256 * 256 * 8
    const [q4, q6] = [144 / 256, 210 / 256]
    expect(shape.expertBytes[3]).toBe(perExpert * (2 * q4 + q6))
  })

  test('what differs from layer to layer: heads, windows, layers without attention', async () => {
    const header = headerOfSpec({ ...spec, window: 512 }, 'F16')
    await writeSparseGguf(join(folder, 'uneven.gguf'), {
      ...header,
      lists: new Map([
        ['qwen3moe.attention.head_count_kv', [2, 0, 4, 2]],
        ['qwen3moe.attention.sliding_window_pattern', [1, 0, 0, 1]],
      ]),
    })
    const shape = await readModelShape(inFiles('uneven.gguf'))
    expect(shape).toMatchObject({
      kvPerToken: [64, 0, 128, 64].map((numbers) => ({ keys: numbers, values: numbers })),
      windows: [512, undefined, undefined, 512],
    })
  })

  test('a recurrent layer keeps a state whatever the window', async () => {
    const header = headerOfSpec(spec, 'F16')
    await writeSparseGguf(
      join(folder, 'hybrid.gguf'),
      { ...header, lists: new Map([['qwen3moe.attention.head_count_kv', [0, 2, 0, 2]]]) },
      {
        'qwen3moe.ssm.conv_kernel': 4,
        'qwen3moe.ssm.inner_size': 512,
        'qwen3moe.ssm.state_size': 128,
        'qwen3moe.ssm.group_count': 1,
      },
    )
    const state = (3 * (512 + 256) + 128 * 512) * 4
    expect(await readModelShape(inFiles('hybrid.gguf'))).toMatchObject({ stateBytes: [state, 0, state, 0] })
  })

  test.each([
    ['absent.gguf', undefined, /the file is missing/],
    ['text.gguf', Buffer.from('no model, only a long text of no meaning'), /does not begin with GGUF/],
    ['layers.gguf', ggufFile({ 'general.architecture': 'llama' }), /llama\.block_count 0/],
    [
      'many.gguf',
      ggufFile({ 'general.architecture': 'llama', 'llama.block_count': 4_000_000 }),
      /block_count 4000000/,
    ],
  ])('%s is refused with what is wrong', async (name, content, message) => {
    if (content) await writeFile(join(folder, name), content)
    await expect(readModelShape(inFiles(name))).rejects.toMatchObject({
      code: 'MODEL_UNSERVABLE',
      message: expect.stringMatching(message),
    })
  })

  test('a type of tensors that is newer than this program is named', async () => {
    const header = headerOfSpec(spec, 'F16')
    const path = join(folder, 'newer.gguf')
    await writeSparseGguf(path, header)
    const bytes = await readFile(path)
    const at = bytes.indexOf('output_norm.weight') + 'output_norm.weight'.length + 4 + 8
    bytes.writeUInt32LE(99, at)
    await writeFile(path, bytes)
    await expect(readModelShape(inFiles('newer.gguf'))).rejects.toThrow(
      /output_norm\.weight .*unknown type 99/,
    )
    await truncate(path, 300)
    await expect(readModelShape(inFiles('newer.gguf'))).rejects.toThrow(/ends within its header/)
  })
})

describe('encoders', () => {
  test.each(['onnx', 'openvino-ir'] as const)('the shipped one in %s', async (format) => {
    const model = named('tandem-embed-small')
    const shape = await readModelShape(model, format)
    const weights = model.files[format]!.filter((file) => /\.(onnx|bin)$/.test(file.path))
    expect(shape).toMatchObject({
      kind: 'encoder',
      layers: 6,
      hidden: 384,
      heads: 6,
      weightBytes: weights.reduce((sum, file) => sum + file.sizeBytes, 0),
      weightBits: 8,
    })
  })

  test('nothing is told where no config.json lies, of a remote model, of a format that it lacks', async () => {
    const model = named('tandem-embed-small')
    expect(await readModelShape({ ...model, folder })).toBeUndefined()
    expect(await readModelShape({ ...model, files: { remote: [] } })).toBeUndefined()
    expect(await readModelShape(model, 'gguf')).toBeUndefined()
  })

  test('a damaged config.json is refused', async () => {
    await writeFile(join(folder, 'config.json'), '{"hidden_size": -1}')
    await expect(readModelShape({ ...named('tandem-embed-small'), folder })).rejects.toMatchObject({
      code: 'MODEL_UNSERVABLE',
    })
  })
})
