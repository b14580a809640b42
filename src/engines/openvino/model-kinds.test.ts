import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeOpenVino } from '../../../test/support/openvino.ts'
import type { Model } from '../../domain/index.ts'
import { engine } from './child.ts'
import { loadEncoder, model, never, specOf, tinyClassifier } from './load.suite.ts'

const XML = 'openvino/openvino_model_qint8_quantized.xml'
const texts = ['a text', 'another text that is longer than the first']

async function vectors(of: Model, shapes: string): Promise<Float32Array> {
  const encoder = await loadEncoder({ ...specOf('CPU', { shapes, buckets: [32] }), model: of })
  const output = await encoder.embed(texts, 'passage', never)
  await encoder.dispose()
  return output.vectors
}

async function scores(of: Model, shapes: string): Promise<Float32Array> {
  const scorer = await engine.load(specOf('CPU', { shapes, buckets: [32] }, of))
  if (scorer.kind !== 'scorer') throw new Error('not a scorer')
  const output = await scorer.score(texts, never)
  await scorer.dispose()
  return output.scores
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, d) => sum + value * b[d]!, 0) / texts.length
}

describeOpenVino('kinds of model files', () => {
  let folder: string
  let expected: Float32Array
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-kinds-'))
    await cp(model.folder, folder, { recursive: true })
    expected = await vectors(model, 'dynamic')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each(['dynamic', 'static'])(
    'an ONNX file serves with %s shapes where there is no IR',
    async (shapes) => {
      const onnx = { ...tinyClassifier, files: { onnx: tinyClassifier.files.onnx! } }
      const [byOnnx, byIr] = [await scores(onnx, shapes), await scores(tinyClassifier, shapes)]
      expect(byOnnx.length).toBe(byIr.length)
      byIr.forEach((score, i) => {
        expect(byOnnx[i]).toBeCloseTo(score, 3)
      })
    },
  )

  test.each(['dynamic', 'static'])('inputs of 32 bits are written as such, %s shapes', async (shapes) => {
    const xml = await readFile(join(model.folder, XML), 'utf8')
    const parameters = /<layer id="\d+" name="\w+" type="Parameter"[\s\S]*?<\/layer>/g
    const narrow = xml.replace(parameters, (layer) => layer.replace(/i64/g, 'i32').replace(/I64/g, 'I32'))
    expect(narrow).not.toBe(xml)
    await writeFile(join(folder, XML), narrow)
    expect(cosine(await vectors({ ...model, folder }, shapes), expected)).toBeGreaterThanOrEqual(0.9999)
  })

  test('an input that no encoder has is named', async () => {
    const xml = await readFile(join(model.folder, XML), 'utf8')
    await writeFile(join(folder, XML), xml.replaceAll('token_type_ids', 'token_kind_ids'))
    await expect(vectors({ ...model, folder }, 'dynamic')).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('token_kind_ids'),
    })
  })
})
