import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  optimumFiles,
  SENTENCE_FILES,
  sentenceRepository,
} from '../../../test/support/sentence-repository.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import { loadCatalogue } from '../catalogue.ts'
import { namedModel } from '../named-model.ts'
import { folderModel } from './folder-model.ts'

let folder: string
let warnings: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-layout-'))
  warnings = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

type Files = Readonly<Record<string, Buffer | string | object>>

async function write(files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    const text = typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content)
    await writeFile(file, text)
  }
}
const load = () => folderModel(folder, 'models.embed', (message) => warnings.push(message))

/** A sentence-transformers folder with small made-up weights, and some files other than usual. */
const sentence = (changes: Files = {}): Files => ({
  ...SENTENCE_FILES,
  'onnx/model.onnx': 'weights',
  ...changes,
})
const pooling = (mode: string, more: object = {}): Files => ({
  '1_Pooling/config.json': { word_embedding_dimension: 384, [`pooling_mode_${mode}`]: true, ...more },
})
const config = async (changes: object): Promise<Files> => ({
  'config.json': { ...JSON.parse(String(SENTENCE_FILES['config.json'])), ...changes },
})

describe('layouts that load from a path', () => {
  test('a sentence-transformers folder with onnx/ and openvino/', async () => {
    await write(sentenceRepository().files)
    const model = await load()
    expect(model).toMatchObject({
      tasks: ['embed'],
      contextTokens: 512,
      folder,
      embedding: {
        pooling: 'mean',
        normalize: true,
        dimensions: 384,
        text: { splitCamelCase: false, queryPrefix: '', passagePrefix: '' },
      },
      files: {
        onnx: [{ path: 'onnx/model_quantized.onnx', sizeBytes: 17_467_010 }, { path: 'tokenizer.json' }],
        'openvino-ir': [
          { path: 'openvino/openvino_model_qint8_quantized.xml' },
          { path: 'openvino/openvino_model_qint8_quantized.bin' },
          { path: 'tokenizer.json' },
        ],
      },
    })
    expect(warnings).toEqual([])
  })

  test.each(['onnx', 'openvino-ir'] as const)(
    'an export of optimum, weights in the root: %s',
    async (format) => {
      await write(optimumFiles(format))
      const model = await load()
      expect(Object.keys(model.files)).toEqual([format])
      expect(model.embedding).toMatchObject({ pooling: 'mean', normalize: true, dimensions: 384 })
      expect(warnings).toEqual([expect.stringMatching(/1_Pooling\/config\.json\): mean is used/)])
    },
  )

  test('an export of a known model is pooled and prefixed as that is', async () => {
    await write({ ...optimumFiles('onnx'), ...(await config({ _name_or_path: 'BAAI/bge-small-en-v1.5' })) })
    expect((await load()).embedding).toMatchObject({
      pooling: 'cls',
      normalize: true,
      text: { queryPrefix: expect.stringContaining('Represent this sentence') },
    })
    expect(warnings).toEqual([])
  })

  test('a manifest wins', async () => {
    await cp(join(PACKAGE_ROOT, 'models', 'tandem-embed-small'), folder, { recursive: true })
    await write({ 'sentence_bert_config.json': { max_seq_length: 7 } })
    const shipped = (await loadCatalogue([join(PACKAGE_ROOT, 'models')])).find('tandem-embed-small')
    expect(await load()).toEqual({ ...shipped, folder })
  })

  test('the setting models.embed takes the path', async () => {
    await write(sentence())
    const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'models')])
    expect(await namedModel(catalogue, 'embed', folder)).toMatchObject({ folder, tasks: ['embed'] })
    await expect(namedModel(catalogue, 'chat', folder)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/models\.chat: .* does embed, not chat/),
    })
  })
})

describe('what is read', () => {
  test.each([
    ['mean_tokens', 'mean'],
    ['cls_token', 'cls'],
    ['lasttoken', 'last'],
  ])('pooling %s is %s', async (mode, expected) => {
    await write(sentence(pooling(mode)))
    expect((await load()).embedding?.pooling).toBe(expected)
  })

  test('no Normalize layer: vectors keep their length, and it is said', async () => {
    const modules = JSON.parse(SENTENCE_FILES['modules.json']).slice(0, 2)
    await write(sentence({ 'modules.json': modules }))
    expect((await load()).embedding?.normalize).toBe(false)
    expect(warnings).toEqual([expect.stringContaining('no Normalize layer')])
  })

  test.each([
    [{ query: 'query: ', passage: 'passage: ' }, 'query: ', 'passage: '],
    [{ query: 'Q: ', document: 'D: ' }, 'Q: ', 'D: '],
    [{ query: 'Instruct: x\nQuery:', other: 'y' }, 'Instruct: x\nQuery:', ''],
  ])('prompts %j', async (prompts, queryPrefix, passagePrefix) => {
    await write(sentence({ 'config_sentence_transformers.json': { prompts } }))
    expect((await load()).embedding?.text).toEqual({ splitCamelCase: false, queryPrefix, passagePrefix })
  })

  test.each([
    ['the sentence limit', { max_seq_length: 128 }, {}, {}, 128],
    ['the positions', {}, { max_position_embeddings: 512 }, {}, 512],
    [
      "RoBERTa's positions, less two",
      {},
      { model_type: 'xlm-roberta', max_position_embeddings: 514 },
      {},
      512,
    ],
    ["the tokenizer's, where it is less", { max_seq_length: 512 }, {}, { model_max_length: 256 }, 256],
    ['not an absurd one', { max_seq_length: null }, {}, { model_max_length: 1e30 }, 512],
  ])('tokens: %s', async (_, bert, more, tokenizer, expected) => {
    const files = { 'sentence_bert_config.json': bert, 'tokenizer_config.json': tokenizer }
    await write(sentence({ ...files, ...(await config({ max_position_embeddings: 512, ...more })) }))
    expect((await load()).contextTokens).toBe(expected)
  })

  const { 'modules.json': _, '1_Pooling/config.json': __, ...bare } = SENTENCE_FILES
  const classifier = async (changes: object): Promise<Files> => ({
    ...bare,
    'onnx/model.onnx': 'weights',
    ...(await config({ architectures: ['XLMRobertaForSequenceClassification'], ...changes })),
  })

  test.each([
    [{}, 'sigmoid'],
    [{ sbert_ce_default_activation_function: 'torch.nn.modules.linear.Identity' }, 'none'],
    [{ sentence_transformers: { activation_fn: 'torch.nn.modules.linear.Identity' } }, 'none'],
  ])('a cross-encoder, %j', async (more, activation) => {
    await write(await classifier({ id2label: { 0: 'LABEL_0' }, ...more }))
    expect(await load()).toMatchObject({ tasks: ['rerank'], rerank: { activation } })
  })

  test.each([
    [undefined, false],
    ['single_label_classification', false],
    ['multi_label_classification', true],
  ])('a classifier, %s', async (problem_type, multiLabel) => {
    const id2label = {
      10: 'k',
      0: 'a',
      1: 'b',
      2: 'c',
      3: 'd',
      4: 'e',
      5: 'f',
      6: 'g',
      7: 'h',
      8: 'i',
      9: 'j',
    }
    await write(await classifier({ id2label, problem_type }))
    const model = await load()
    expect(model.tasks).toEqual(['classify'])
    expect(model.classify).toEqual({ labels: [...'abcdefghijk'], multiLabel })
  })

  test('the fingerprint follows the weights and what prepares texts, not the place', async () => {
    const weights = Buffer.alloc(5_000_000, 'w')
    await write(sentence({ 'onnx/model.onnx': weights }))
    const before = await load()
    const [parent, name] = [
      await mkdtemp(join(tmpdir(), 'tandem-layout-')),
      folder.slice(folder.lastIndexOf('tandem')),
    ]
    await cp(folder, join(parent, name), { recursive: true })
    expect((await folderModel(join(parent, name))).fingerprint).toBe(before.fingerprint)
    await rm(parent, { recursive: true })
    await write({ 'onnx/model.onnx': weights.map(() => 120) as Buffer })
    const trained = await load()
    expect(trained.fingerprint).not.toBe(before.fingerprint)
    await write(pooling('cls_token'))
    expect((await load()).fingerprint).not.toBe(trained.fingerprint)
  })
})

describe('what cannot be served is refused with the reason', () => {
  const without = (path: string): Files =>
    Object.fromEntries(Object.entries(sentence()).filter(([p]) => p !== path))
  test.each<[string, Files, RegExp]>([
    ['no tokenizer', without('tokenizer.json'), /no tokenizer\.json; make one/],
    ['no config', without('config.json'), /no config\.json/],
    ['no weights', without('onnx/model.onnx'), /no ONNX .* and no OpenVINO IR/],
    [
      'an IR without its .bin',
      { ...without('onnx/model.onnx'), 'openvino_model.xml': 'x' },
      /with its \.bin/,
    ],
    ['PyTorch only', { ...without('onnx/model.onnx'), 'model.safetensors': 'x' }, /export it: `optimum-cli/],
    ['GGUF', { 'a.gguf': 'x' }, /name the file itself/],
    [
      'max pooling',
      sentence(pooling('max_tokens')),
      /pools by max_tokens; served is one of mean, cls, lasttoken/,
    ],
    [
      'two poolings',
      sentence(pooling('max_tokens', { pooling_mode_cls_token: true })),
      /max_tokens and cls_token/,
    ],
    [
      'prompts left out',
      sentence({
        ...pooling('mean_tokens', { include_prompt: false }),
        'config_sentence_transformers.json': { prompts: { query: 'q' } },
      }),
      /leaves prompts out/,
    ],
    [
      'a Dense layer',
      sentence({ 'modules.json': [{ type: 'sentence_transformers.models.Dense', path: '' }] }),
      /has a Dense layer/,
    ],
    [
      'other dimensions',
      sentence(pooling('mean_tokens', { word_embedding_dimension: 768 })),
      /384 dimensions.*768/,
    ],
    ['broken JSON', sentence({ 'modules.json': '[{' }), /modules\.json: not valid JSON/],
    ['a wrong form', sentence({ 'modules.json': '{}' }), /modules\.json: .*array/i],
    ['empty weights', sentence({ 'onnx/model.onnx': '' }), /the file is empty/],
  ])('%s', async (_, files, message) => {
    await write(files)
    await expect(load()).rejects.toMatchObject({
      code: 'MODEL_UNSERVABLE',
      message: expect.stringMatching(message),
    })
  })

  test.each([['LlamaForCausalLM'], ['BertForTokenClassification'], ['CLIPVisionProjection']])(
    'a %s',
    async (name) => {
      await write({ ...optimumFiles('onnx'), ...(await config({ architectures: [name] })) })
      await expect(load()).rejects.toMatchObject({
        code: 'MODEL_UNSERVABLE',
        message: expect.stringContaining(`config.json names the architecture ${name}; served are`),
      })
    },
  )

  test('a path that is no folder', async () => {
    await expect(folderModel(join(folder, 'no'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^models\.embed: there is no folder/),
    })
    await expect(folderModel('models/mine')).rejects.toMatchObject({
      message: expect.stringMatching(/not absolute/),
    })
  })
})
