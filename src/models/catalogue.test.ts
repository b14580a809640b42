import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../config/index.ts'
import type { Model } from '../domain/index.ts'
import { loadCatalogue } from './catalogue.ts'
import { namedModel } from './named-model.ts'
import { verifyModel } from './verify.ts'

const shipped = join(PACKAGE_ROOT, 'models')
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-models-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function writeManifest(name: string, text: string): Promise<void> {
  await mkdir(join(folder, name))
  await writeFile(join(folder, name, 'tandem.model.json'), text)
}

test('the shipped models are described and their files are the described ones', async () => {
  const catalogue = await loadCatalogue([shipped])
  expect(catalogue.list().map((model) => model.id)).toEqual(['tandem-embed-small', 'tandem-tiny-chat'])
  const embed = catalogue.find('tandem-embed-small')
  expect(embed).toMatchObject({ tasks: ['embed'], contextTokens: 512, folder: join(shipped, embed.id) })
  expect(embed.embedding).toMatchObject({ pooling: 'mean', normalize: true, dimensions: 384 })
  expect(catalogue.get('tandem-tiny-chat')?.chat).toEqual({
    groundedOnly: true,
    maxPassageTokens: 1780,
    maxPassages: 4,
    minScoreShare: 0.85,
    temperature: 0,
    maxTokens: 220,
  })
  for (const model of catalogue.list()) await verifyModel(model)
})

test('a reranker and a classifier are described by their manifests', async () => {
  const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'test/data/models')])
  expect(catalogue.find('tiny-reranker')).toMatchObject({
    tasks: ['rerank'],
    rerank: { activation: 'sigmoid' },
    contextTokens: 128,
  })
  expect(catalogue.find('tiny-classifier').classify).toEqual({
    labels: ['bug', 'feature', 'question'],
    multiLabel: false,
  })
  await expect(namedModel(catalogue, 'rerank', 'tiny-classifier')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'models.rerank: the model "tiny-classifier" does classify, not rerank',
  })
  expect((await namedModel(catalogue, 'classify', 'tiny-classifier')).id).toBe('tiny-classifier')
})

test('a second folder adds its models; subfolders without a manifest are passed over', async () => {
  const {
    folder: _,
    fingerprint: __,
    ...manifest
  } = (await loadCatalogue([shipped])).find('tandem-tiny-chat')
  await writeManifest('mine', JSON.stringify({ ...manifest, id: 'mine' }))
  await mkdir(join(folder, 'empty'))
  const catalogue = await loadCatalogue([shipped, folder, folder])
  expect(catalogue.list().map((model) => model.id)).toEqual([
    'tandem-embed-small',
    'tandem-tiny-chat',
    'mine',
  ])
  expect(catalogue.get('mine')?.folder).toBe(join(folder, 'mine'))
})

test('an id that is given twice, and a folder that is missing, are named', async () => {
  await cp(join(shipped, 'tandem-tiny-chat', 'tandem.model.json'), join(folder, 'again', 'tandem.model.json'))
  await expect(loadCatalogue([shipped, folder])).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/again.*"tandem-tiny-chat" is already the id of .*tandem-tiny-chat/s),
  })
  await expect(loadCatalogue([join(folder, 'no')])).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/no: cannot read this folder of models \(config models\.folders\)/),
  })
})

test('an unknown model is answered with the nearest names', async () => {
  const catalogue = await loadCatalogue([shipped])
  expect(() => catalogue.find('tandem-embed-smal')).toThrow(
    expect.objectContaining({
      code: 'MODEL_NOT_FOUND',
      message: 'there is no model "tandem-embed-smal"; did you mean tandem-embed-small?',
    }),
  )
  expect(() => catalogue.find('gpt-4o')).toThrow(
    expect.objectContaining({ message: 'there is no model "gpt-4o"' }),
  )
  expect(catalogue.get('gpt-4o')).toBeUndefined()
})

async function copied(): Promise<Model> {
  const model = (await loadCatalogue([shipped])).find('tandem-embed-small')
  await cp(model.folder, folder, { recursive: true })
  return { ...model, folder }
}

test('a file that is missing, cut or changed is named', async () => {
  const model = await copied()
  const file = join(folder, 'tokenizer.json')
  await verifyModel(model, 'onnx')

  const flipped = Buffer.alloc(378_609, 'x')
  await writeFile(file, flipped)
  await expect(verifyModel(model)).rejects.toMatchObject({
    code: 'MODEL_FILE_BAD',
    message: expect.stringMatching(/tokenizer\.json: SHA-256 [0-9a-f]{64}, the manifest says fd618c19/),
  })
  await writeFile(file, flipped.subarray(1))
  await expect(verifyModel(model)).rejects.toMatchObject({
    message: expect.stringContaining('378608 bytes, the manifest says 378609; fetch the model again'),
  })
  await rm(file)
  await expect(verifyModel(model)).rejects.toMatchObject({
    code: 'MODEL_FILE_BAD',
    message: expect.stringMatching(/tokenizer\.json: .*no such file/),
  })
  await mkdir(file)
  await expect(verifyModel(model)).rejects.toMatchObject({ message: expect.stringContaining('not a file') })
})
