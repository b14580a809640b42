import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeHub } from '../../../test/fakes/hub.ts'
import { ggufFile } from '../../../test/support/gguf.ts'
import { sentenceRepository } from '../../../test/support/sentence-repository.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import { loadCatalogue } from '../catalogue.ts'
import { modelFolders } from '../folders.ts'
import { verifyModel } from '../verify.ts'
import { pulledModels } from './place.ts'
import { pullModel } from './pull.ts'
import type { Pulled, PullRequest } from './request.ts'

let home: string
let hub: FakeHub
let said: string[]

const NAME = 'someone/sentences'
const RANGE = 1024 * 1024

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tandem-pull-'))
  hub = await new FakeHub({ [NAME]: sentenceRepository() }).listen()
  said = []
})
afterEach(async () => {
  await hub.close()
  await rm(home, { recursive: true, force: true })
})

async function pull(changes: Partial<PullRequest> = {}) {
  return pullModel({
    name: NAME,
    dryRun: false,
    home,
    hub: changes.hub ?? { url: hub.url },
    env: {},
    signal: new AbortController().signal,
    onProgress: () => undefined,
    say: (message) => said.push(message),
    ...changes,
    tuning: { backoffMs: 1, rangeBytes: RANGE, ...changes.tuning },
  })
}

async function pulled(changes: Partial<PullRequest> = {}): Promise<Pulled> {
  const outcome = await pull(changes)
  if (outcome.state === 'ambiguous') throw new Error(outcome.why)
  return outcome
}

const folder = (): string => join(home, 'models', 'someone--sentences')
const WEIGHTS = 'onnx/model_quantized.onnx'

describe('a repository', () => {
  test('is fetched, verified and found by the catalogue', async () => {
    const outcome = await pulled()
    expect(outcome).toMatchObject({
      state: 'pulled',
      id: NAME,
      format: 'onnx',
      license: 'apache-2.0',
      warnings: [],
    })
    expect(outcome.fetchedBytes).toBe(outcome.totalBytes)
    const model = (await loadCatalogue(modelFolders(home, []))).find(NAME)
    expect(model).toMatchObject({
      revision: hub.shaOf(NAME),
      tasks: ['embed'],
      contextTokens: 512,
      embedding: { pooling: 'mean', normalize: true, dimensions: 384, text: { splitCamelCase: false } },
    })
    await verifyModel(model)
    const shipped = await readFile(join(PACKAGE_ROOT, 'models', 'tandem-embed-small', WEIGHTS))
    expect((await readFile(join(model.folder, WEIGHTS))).equals(shipped)).toBe(true)
    expect((await readdir(join(home, 'models'))).sort()).toEqual(['someone--sentences'])
    expect((await readdir(folder())).includes('.journal')).toBe(false)
  })

  test('that is there already is left as it is, also when the hub has a commit that changes nothing of it', async () => {
    await pulled()
    const sent = hub.sentBytes
    expect(await pulled()).toMatchObject({ state: 'present', fetchedBytes: 0 })
    const before = hub.shaOf(NAME)
    hub.put(NAME, {
      ...sentenceRepository(),
      files: { ...sentenceRepository().files, 'README.md': 'better' },
    })
    expect(hub.shaOf(NAME)).not.toBe(before)
    expect(await pulled()).toMatchObject({ state: 'present', revision: before })
    expect(hub.sentBytes).toBe(sent)
  })

  test('that changed is fetched anew as far as it changed', async () => {
    await pulled()
    const sent = hub.sentBytes
    const { files } = sentenceRepository()
    const config = JSON.stringify({ max_seq_length: 256 })
    hub.put(NAME, { ...sentenceRepository(), files: { ...files, 'sentence_bert_config.json': config } })
    expect(await pulled()).toMatchObject({ state: 'pulled', fetchedBytes: config.length })
    expect(hub.sentBytes - sent).toBe(config.length)
    const model = (await loadCatalogue(modelFolders(home, []))).find(NAME)
    expect(model).toMatchObject({ contextTokens: 256, revision: hub.shaOf(NAME) })
  })

  test('a further format joins the folder, so that both share an index', async () => {
    await pulled()
    const onnxOnly = (await loadCatalogue(modelFolders(home, []))).find(NAME)
    await pulled({ format: 'openvino-ir' })
    const both = (await loadCatalogue(modelFolders(home, []))).find(NAME)
    expect(Object.keys(both.files)).toEqual(['onnx', 'openvino-ir'])
    expect(both.fingerprint).toBe(onnxOnly.fingerprint)
    await verifyModel(both)
    expect(hub.fetches(WEIGHTS).filter(({ origin }) => origin === 'storage').length).toBe(17) // ranges, once
  })

  test('a dry run fetches nothing', async () => {
    const outcome = await pulled({ dryRun: true })
    expect(outcome).toMatchObject({ state: 'planned', fetchedBytes: 0 })
    expect(outcome.files.map(({ path }) => path)).toContain(WEIGHTS)
    expect(hub.sentBytes).toBe(0)
    expect(existsSync(join(home, 'models'))).toBe(false)
  })

  test('a file tree of several pages is read to its end', async () => {
    hub.pageSize = 2
    const outcome = await pulled({ dryRun: true })
    expect(outcome.files).toHaveLength(9)
    expect(hub.seen.filter(({ path }) => path.includes('/tree/')).length).toBeGreaterThan(4)
  })

  test('other weights get an id of their own, for their vectors differ', async () => {
    const { files } = sentenceRepository()
    hub.put(NAME, { files: { ...files, 'onnx/model.onnx': files[WEIGHTS]! } })
    expect(await pulled({ dryRun: true })).toMatchObject({ id: NAME, weights: WEIGHTS })
    const exact = await pulled({ dryRun: true, file: 'model.onnx' })
    expect(exact).toMatchObject({ id: `${NAME}:model`, weights: 'onnx/model.onnx' })
    expect(await pull({ file: 'nothing' })).toMatchObject({ state: 'ambiguous' })
  })
})

describe('downloads', () => {
  const ofWeights = (path: string): boolean => path.endsWith(WEIGHTS)

  test('the token goes to the hub and not to its storage', async () => {
    hub.token = 'secret-token'
    hub.put(NAME, { ...sentenceRepository(), gated: true })
    await pulled({ hub: { url: hub.url, token: 'secret-token' } })
    const tokens = (origin: string) =>
      new Set(hub.seen.filter((each) => each.origin === origin).map(({ token }) => token))
    expect(tokens('hub')).toEqual(new Set(['secret-token']))
    expect(tokens('storage')).toEqual(new Set([undefined]))
  })

  test('a connection that is cut goes on from the last byte', async () => {
    let cuts = 0
    hub.fault = ({ path, origin }) =>
      origin === 'storage' && ofWeights(path) && cuts++ < 8 ? { cutAfter: 300_000 } : undefined
    const outcome = await pulled()
    expect(cuts).toBeGreaterThan(8)
    expect(outcome.fetchedBytes).toBe(outcome.totalBytes)
    expect(said.join()).toMatch(/again in/)
    await verifyModel((await loadCatalogue(modelFolders(home, []))).find(NAME))
  })

  test('a connection that falls silent is given up and taken up again', async () => {
    let hangs = 0
    hub.fault = ({ path, origin }) =>
      origin === 'storage' && ofWeights(path) && hangs++ < 2 ? { hangAfter: 100_000 } : undefined
    const outcome = await pulled({ tuning: { stallMs: 400 } })
    expect(outcome.fetchedBytes).toBe(outcome.totalBytes)
    expect(said).toContain('no byte for 0.4 s; again in 1 s')
  })

  test('busy and broken answers are asked again, after the time that the server names', async () => {
    // each request is refused once: which of several lanes asks first must not matter
    const refused = new Set<string>()
    hub.fault = ({ path, range }) => {
      const request = `${path} ${range}`
      if (refused.has(request)) return undefined
      refused.add(request)
      return refused.size === 1 ? { status: 429, headers: { 'retry-after': '2' } } : { status: 503 }
    }
    await pulled()
    expect(said[0]).toBe('it answered 429; again in 2 s')
    expect(said).toContain('it answered 503; again in 1 s')
  })

  test('the retries are bounded, and what came is kept', async () => {
    hub.fault = ({ origin }) => (origin === 'storage' ? { status: 500 } : undefined)
    await expect(pulled({ tuning: { attempts: 3 } })).rejects.toMatchObject({
      code: 'HUB_REFUSED',
      message: expect.stringMatching(
        /onnx\/model_quantized\.onnx: it answered 500; what was fetched is kept/,
      ),
    })
    expect(hub.fetches(WEIGHTS).filter(({ origin }) => origin === 'storage')).toHaveLength(3)
    hub.fault = () => undefined
    const outcome = await pulled()
    expect(outcome.fetchedBytes).toBeLessThan(outcome.totalBytes)
  })

  test('a server that knows no ranges is read to the end', async () => {
    hub.fault = ({ origin }) => (origin === 'storage' ? 'ignoreRange' : undefined)
    const outcome = await pulled()
    expect(outcome.fetchedBytes).toBe(outcome.totalBytes)
    await verifyModel((await loadCatalogue(modelFolders(home, []))).find(NAME))
  })

  test('connections that are always cut are given up in the end', async () => {
    let cuts = 0
    hub.fault = ({ path, range }) => {
      if (range === undefined || !ofWeights(path)) return undefined
      cuts += 1
      return { cutAfter: 10 }
    }
    await expect(pulled({ tuning: { attempts: 4 } })).rejects.toMatchObject({ code: 'HUB_REFUSED' })
    expect(cuts).toBeLessThan(20)
  })

  test('a content that is wrong once is fetched again', async () => {
    let flips = 0
    hub.fault = ({ path, origin, range }) =>
      origin === 'storage' && ofWeights(path) && range?.startsWith('bytes=0-') && flips++ === 0
        ? 'flip'
        : undefined
    const outcome = await pulled()
    expect(outcome.fetchedBytes).toBeGreaterThan(outcome.totalBytes)
    await verifyModel((await loadCatalogue(modelFolders(home, []))).find(NAME))
  })

  test.each([WEIGHTS, 'modules.json'])(
    'a content that stays wrong is refused, and nothing of it kept: %s',
    async (file) => {
      hub.fault = ({ path, range }) =>
        path.endsWith(file) && (range === undefined || range.startsWith('bytes=0-')) ? 'flip' : undefined
      await expect(pulled()).rejects.toMatchObject({
        code: 'DOWNLOAD_BAD',
        message: expect.stringMatching(
          /twice (SHA-256|git hash) [0-9a-f]+, announced was [0-9a-f]+; nothing/,
        ),
      })
      expect(existsSync(join(`${folder()}.partial`, file))).toBe(false)
      expect(existsSync(folder())).toBe(false)
      expect((await loadCatalogue(modelFolders(home, []))).get(NAME)).toBeUndefined()
    },
  )

  test('a download that was stopped goes on from its finished ranges', async () => {
    const stop = new AbortController()
    let count = 0
    hub.fault = ({ origin }) => {
      if (origin === 'storage' && ++count === 6) setImmediate(() => stop.abort(new Error('stopped')))
      return undefined
    }
    await expect(pulled({ signal: stop.signal, tuning: { parallel: 1 } })).rejects.toThrow('stopped')
    expect(existsSync(folder())).toBe(false)
    expect(existsSync(`${folder()}.lock`)).toBe(false)
    hub.fault = () => undefined
    const outcome = await pulled()
    expect(outcome.totalBytes - outcome.fetchedBytes).toBeGreaterThan(4 * RANGE)
    await verifyModel((await loadCatalogue(modelFolders(home, []))).find(NAME))
  })

  test('updates that were stopped leave the model that is in use as it is', async () => {
    await pulled()
    const { files } = sentenceRepository()
    const changed = Buffer.from(files[WEIGHTS]!).fill(1, 0, RANGE)
    const stoppedAtWeights = async (more: Readonly<Record<string, Buffer>>) => {
      const stop = new AbortController()
      hub.put(NAME, { ...sentenceRepository(), files: { ...files, ...more, [WEIGHTS]: changed } })
      hub.fault = ({ origin, path }) => {
        if (origin === 'hub' && path.includes('model_quantized')) stop.abort(new Error('stopped'))
        return undefined
      }
      await expect(pulled({ signal: stop.signal, tuning: { parallel: 1 } })).rejects.toThrow('stopped')
      await verifyModel((await loadCatalogue(modelFolders(home, []))).find(NAME))
    }
    await stoppedAtWeights({}) // what did not change is taken over from the model in use, as links
    await stoppedAtWeights({ 'tokenizer.json': Buffer.from(`${files['tokenizer.json']}\n`) })
  })

  test('what a stopped pull of other files left does not stay', async () => {
    const stop = new AbortController()
    const { files } = sentenceRepository()
    hub.put(NAME, { files: { ...files, '2_Pooling/config.json': '{}' } })
    hub.fault = ({ origin }) => {
      if (origin === 'storage') stop.abort(new Error('stopped'))
      return undefined
    }
    await expect(pulled({ signal: stop.signal })).rejects.toThrow('stopped')
    expect(existsSync(join(`${folder()}.partial`, '2_Pooling/config.json'))).toBe(true)
    hub.put(NAME, sentenceRepository())
    hub.fault = () => undefined
    await pulled()
    expect(existsSync(join(folder(), '2_Pooling/config.json'))).toBe(false)
  })

  test('at most so many connections as are allowed, and each range once', async () => {
    await pulled({ tuning: { parallel: 3 } })
    const ranges = hub.fetches(WEIGHTS).filter(({ origin }) => origin === 'storage')
    expect(new Set(ranges.map(({ range }) => range)).size).toBe(ranges.length)
    const resolved = hub.fetches(WEIGHTS).filter(({ origin }) => origin === 'hub')
    expect(resolved).toHaveLength(1) // the storage's address is remembered
  })

  test('a second pull of the same model is kept out', async () => {
    let other: Promise<unknown> = Promise.resolve()
    let asked = false
    hub.fault = ({ origin }) => {
      if (origin === 'storage' && !asked) {
        asked = true
        other = pull().catch((error: unknown) => error)
      }
      return undefined
    }
    await pulled()
    expect(await other).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(String(process.pid)),
    })
  })
})

describe('what cannot be pulled is said', () => {
  test('a repository that is not there, with the nearest known ones', async () => {
    await expect(pull({ name: 'BAAI/bge-smal-en-v1.5' })).rejects.toMatchObject({
      code: 'HUB_NOT_FOUND',
      message: expect.stringMatching(/has no BAAI\/bge-smal-en-v1\.5.*did you mean BAAI\/bge-small-en-v1\.5/),
    })
    await expect(pull({ name: 'bge-smal' })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: 'there is no model "bge-smal"; did you mean bge-small?',
    })
    await expect(pull({ name: `${NAME}@v9` })).rejects.toMatchObject({
      code: 'HUB_NOT_FOUND',
      message: expect.stringContaining(`no such revision of ${NAME}`),
    })
  })

  test('a gated one, before anything is fetched', async () => {
    hub.put(NAME, { ...sentenceRepository(), gated: true })
    await expect(pull()).rejects.toMatchObject({
      code: 'MODEL_GATED',
      message: expect.stringMatching(/accept its license at http.*someone\/sentences.*HF_TOKEN/),
    })
    await expect(pull({ hub: { url: hub.url, token: 'not-accepted' } })).rejects.toMatchObject({
      code: 'MODEL_GATED',
    })
    expect(hub.sentBytes).toBe(0)
  })

  test('no way to the hub: what to do', async () => {
    const { url } = hub
    await hub.close()
    const env = { HTTPS_PROXY: 'http://proxy:3128' }
    await expect(pull({ hub: { url }, env })).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringMatching(/cannot reach the model hub .*Set hub\.url.*copy.*NODE_USE_ENV_PROXY/),
    })
    await hub.listen()
  })

  test('no way to the hub, and the model is there: that is said', async () => {
    await pulled()
    const { url } = hub
    await hub.close()
    expect(await pulled({ hub: { url } })).toMatchObject({
      state: 'present',
      fetchedBytes: 0,
      warnings: [expect.stringMatching(/was not reached .*ECONNREFUSED/)],
    })
    await expect(pulled({ hub: { url }, file: 'other' })).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' })
    await hub.listen()
  })

  test('a token is not sent in the clear', async () => {
    for (const url of ['http://hub.example', 'http://127.0.0.1.hub.example'])
      await expect(pull({ hub: { url, token: 'secret' } })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/hub\.url: .*not encrypted/),
      })
  })

  test('a disk without room', async () => {
    hub.hugeBytes = 2 ** 52
    await expect(pull()).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/MB needed, \d+ MB free/),
    })
  })

  test('a path that leaves the folder', async () => {
    const { files } = sentenceRepository()
    hub.put(NAME, { files: { ...files, '../../evil/model_quantized.onnx': 'x' } })
    await expect(pull({ file: 'evil' })).rejects.toMatchObject({ code: 'MODEL_UNSERVABLE' })
  })

  test('a layout that cannot be served, before its weights are fetched', async () => {
    const { 'tokenizer.json': _, ...files } = sentenceRepository().files
    hub.put(NAME, { files })
    await expect(pull()).rejects.toMatchObject({
      code: 'MODEL_UNSERVABLE',
      message: expect.stringMatching(/no tokenizer\.json/),
    })
    expect(hub.fetches(WEIGHTS)).toEqual([])
    hub.put(NAME, { files: { 'README.md': 'x', 'model.safetensors': 'y' } })
    await expect(pull()).rejects.toMatchObject({
      code: 'MODEL_UNSERVABLE',
      message: expect.stringMatching(/no files that Tandem runs/),
    })
  })
})

describe('GGUF', () => {
  const header = (more: Record<string, string | number> = {}): Record<string, string | number> => ({
    'general.architecture': 'qwen2',
    'qwen2.context_length': 131_072,
    'qwen2.embedding_length': 896,
    'tokenizer.chat_template': '{{ messages }}',
    ...more,
  })
  const NAME_GGUF = 'someone/chat-GGUF'
  const find = async (id: string) => (await loadCatalogue(modelFolders(home, []))).find(id)

  test('the usual quantization of a chat model in parts; its header says the rest', async () => {
    const files = {
      'chat-q4_k_m-00001-of-00002.gguf': ggufFile(header(), { a: [10, 10] }),
      'chat-q4_k_m-00002-of-00002.gguf': ggufFile(header(), { b: [11] }),
      'chat-q8_0.gguf': ggufFile(header(), { a: [10, 10], b: [11] }),
    }
    hub.put(NAME_GGUF, { license: 'apache-2.0', files })
    const outcome = await pulled({ name: NAME_GGUF })
    expect(outcome).toMatchObject({
      id: NAME_GGUF,
      weights: 'q4_k_m',
      others: [{ label: 'q8_0' }],
      warnings: [],
    })
    const model = await find(NAME_GGUF)
    expect(model).toMatchObject({ tasks: ['chat'], parameters: 111, contextTokens: 32_768 })
    expect(model.files.gguf?.map(({ path }) => path)).toEqual(Object.keys(files).slice(0, 2))
    await verifyModel(model)
    expect(await pulled({ name: NAME_GGUF, file: 'q8_0' })).toMatchObject({ id: `${NAME_GGUF}:q8_0` })
    await verifyModel(await find(`${NAME_GGUF}:q8_0`))
    await verifyModel(await find(NAME_GGUF))
  })

  test('an encoder by its pooling; a base model is warned of', async () => {
    hub.put(NAME_GGUF, { files: { 'e-f16.gguf': ggufFile(header({ 'qwen2.pooling_type': 3 }), { a: [4] }) } })
    await pulled({ name: NAME_GGUF })
    expect(await find(NAME_GGUF)).toMatchObject({
      tasks: ['embed'],
      embedding: { pooling: 'last', dimensions: 896 },
    })
    const { 'tokenizer.chat_template': _, ...base } = header()
    hub.put('someone/base', { files: { 'b-q4_0.gguf': ggufFile(base, { a: [4] }) } })
    expect((await pulled({ name: 'someone/base' })).warnings).toEqual([
      expect.stringContaining('no chat template'),
    ])
  })

  test('a file that only has the name is refused', async () => {
    hub.put(NAME_GGUF, { files: { 'x-q4_0.gguf': 'no such thing' } })
    await expect(pulled({ name: NAME_GGUF })).rejects.toMatchObject({
      code: 'MODEL_UNSERVABLE',
      message: expect.stringContaining('does not begin with GGUF'),
    })
  })
})

describe('a known model', () => {
  const BGE = 'BAAI/bge-small-en-v1.5'

  test('gets its short id; what its files leave open comes from the entry', async () => {
    const files = {
      ...sentenceRepository().files,
      '1_Pooling/config.json': JSON.stringify({ pooling_mode_cls_token: true }),
    }
    hub.put(BGE, { files })
    expect(await pulled({ name: 'bge-small' })).toMatchObject({ id: 'bge-small', warnings: [] })
    expect((await loadCatalogue(modelFolders(home, []))).find('bge-small')).toMatchObject({
      parameters: 33_400_000,
      license: 'mit',
      embedding: { pooling: 'cls', text: { queryPrefix: expect.stringMatching(/^Represent this/) } },
    })
    expect(await pulledModels(home)).toEqual(['bge-small'])
  })

  test('whose files say otherwise is served as they say, with a warning', async () => {
    const prompts = JSON.stringify({ prompts: { query: 'find: ' } })
    const files = { ...sentenceRepository().files, 'config_sentence_transformers.json': prompts }
    hub.put(BGE, { files })
    const { warnings } = await pulled({ name: 'bge-small' })
    expect(warnings).toEqual([
      'bge-small: pooling "cls" was expected, the repository\'s files say "mean", which is used',
      expect.stringMatching(/queryPrefix "Represent.* was expected, the repository's files say "find: "/),
    ])
    expect((await loadCatalogue(modelFolders(home, []))).find('bge-small').embedding).toMatchObject({
      pooling: 'mean',
      text: { queryPrefix: 'find: ' },
    })
  })
})
