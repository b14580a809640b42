import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { putOvms, putOvmsModel } from '../../../../../test/support/ovms.ts'
import { Config } from '../../../../config/index.ts'
import type { Model, Task } from '../../../../domain/index.ts'
import type { LoadedDecoder, LoadedEncoder, LoadedScorer, LoadSpec } from '../../../contract.ts'
import { chatOf, collect, user } from '../../../decoder.suite.ts'
import { engine } from '../../child.ts'
import type { ServerClient } from '../../client.ts'
import { ServerEncoder } from '../../encoder.ts'
import { readSettings, type ServerSettings, serverSettings } from '../../settings.ts'
import { configuredOvms } from './discover.ts'
import { startOvms } from './load.ts'
import { loadOvms } from './loaded.ts'

let home: string
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-ovms-')))
  process.env['FAKE_OVMS_DEVICES'] = 'CPU,NPU,GPU'
  delete process.env['FAKE_OVMS_EXIT']
})
afterEach(() => {
  delete process.env['FAKE_OVMS_DEVICES']
  delete process.env['FAKE_OVMS_EXIT']
  delete process.env['FAKE_OVMS_DEAF']
  rmSync(home, { recursive: true, force: true })
})

/** Where a package of it would be unpacked. */
const unpacked = () => putOvms(join(home, 'engines', 'ovms', 'ovms'))
const modelFolder = (name: string, files?: Readonly<Record<string, string>>) =>
  putOvmsModel(join(home, 'exported', name), files)

const found = (models: readonly object[], more: object = {}) =>
  configuredOvms(Config.parse({ ovms: { models, ...more } }), { home, env: {} })

/** The placement of the only configured model, as a worker gets it. */
async function specOf(
  task: Exclude<Task, 'classify'>,
  device: string,
  folder = modelFolder('m'),
): Promise<LoadSpec> {
  const { servers, warnings } = await found([{ name: 'm', folder, task, device, pooling: 'MEAN' }])
  expect(warnings).toEqual([])
  const [server] = servers
  const model: Model = {
    id: 'm',
    title: 'm',
    revision: '1',
    license: 'MIT',
    tasks: [task],
    parameters: 1,
    contextTokens: 512,
    files: { remote: [] },
    folder: home,
    fingerprint: 'm',
  }
  return { model, task, device: 'ovms-m', threads: 1, settings: serverSettings(server!, 'm') }
}

describe('what is configured', () => {
  test('is a server of its own for each model, on the device that was said', async () => {
    const binary = unpacked()
    const folder = modelFolder('bge', { 'openvino_model.bin': '12345', 'openvino_tokenizer.bin': '67' })
    const { servers, warnings } = await found([{ name: 'bge', folder, task: 'embed', device: 'NPU' }])
    expect(warnings).toEqual([])
    expect(servers).toMatchObject([
      {
        name: 'ovms-bge',
        kind: 'ovms',
        local: true,
        device: { kind: 'npu', told: true },
        weightBytes: 7,
        models: [{ name: 'bge', tasks: ['embed'], contextTokens: 512, dimensions: 3 }],
        launch: { binary, folder, device: 'NPU', pooling: 'CLS' },
      },
    ])
  })

  test('a chat is told how large its cache may grow, and so is the plan', async () => {
    unpacked()
    const folder = modelFolder('coder')
    const of = async (more: object) =>
      (await found([{ name: 'coder', folder, task: 'chat', device: 'GPU', ...more }])).servers[0]
    expect(await of({})).toMatchObject({ cacheBytes: 2 * 2 ** 30, launch: { cacheGiB: 2 } })
    expect(await of({ cacheGiB: 5 })).toMatchObject({ cacheBytes: 5 * 2 ** 30, launch: { cacheGiB: 5 } })
    expect(await of({ task: 'embed' })).not.toHaveProperty('cacheBytes')
  })

  test('no ovms, and a model without its tokenizer: said, and left out', async () => {
    const folder = modelFolder('bare', { 'openvino_tokenizer.xml': '' })
    const models = [{ name: 'bare', folder, task: 'embed', device: 'CPU' }]
    expect(await found(models)).toEqual({
      servers: [],
      warnings: [
        expect.stringMatching(/^ovms: there is none in .*engines.ovms or in the PATH; .*set ovms\.path$/),
      ],
    })
    expect(await found(models, { path: '/opt/ovms/bin/ovms' })).toEqual({
      servers: [],
      warnings: [expect.stringMatching(/bare is left out: .*openvino_tokenizer\.xml is not there/)],
    })
  })
})

// a shell's script stands for the program
describe.skipIf(process.platform === 'win32')('an ovms that is started (a stand-in)', () => {
  test('embeds on the NPU, and ends with its placement', async () => {
    unpacked()
    const encoder = (await engine.load(await specOf('embed', 'NPU'))) as LoadedEncoder
    const { vectors, dimensions } = await encoder.embed(['abcd'], 'query', new AbortController().signal)
    expect(dimensions).toBe(3)
    const length = Math.hypot(4, 1, 3)
    expect([...vectors].map((value) => Math.round(value * length))).toEqual([4, 1, 3]) // 1: it was told to pool by MEAN
    const graph = readFileSync(join(home, 'servers', 'ovms-m', 'graph.pbtxt'), 'utf8')
    expect(graph).toMatch(/calculator: "EmbeddingsCalculatorOV"[\s\S]*pooling: MEAN\n *target_device: "NPU"/)
    await encoder.dispose()
    expect(readFileSync(join(home, 'logs', 'ovms-m.log'), 'utf8')).toMatch(
      /state changed to: AVAILABLE[\s\S]*# ended by SIGTERM/,
    )
  })

  test('ranks', async () => {
    unpacked()
    const scorer = (await engine.load(await specOf('rerank', 'CPU'))) as LoadedScorer
    const inputs = ['nothing', 'a queue'].map((text) => ({ query: 'queue', text }))
    const { scores } = await scorer.score(inputs, new AbortController().signal)
    expect([...scores].map((score) => Math.round(score * 10))).toEqual([1, 9])
    await scorer.dispose()
  })

  test('chats on the GPU', async () => {
    unpacked()
    const decoder = (await engine.load(await specOf('chat', 'GPU'))) as LoadedDecoder
    const { text, result } = await collect(decoder, chatOf([user('hello')]))
    expect(text).toBe('Hello from GPU')
    expect(result).toMatchObject({ finishReason: 'stop', usage: { promptTokens: 7, completionTokens: 4 } })
    const graph = readFileSync(join(home, 'servers', 'ovms-m', 'graph.pbtxt'), 'utf8')
    expect(graph).toMatch(/calculator: "HttpLLMCalculator"[\s\S]*cache_size: 2\n/)
    await decoder.dispose()
  })

  describe('tells once that it is gone', () => {
    const gone: string[] = []
    async function encoder(variable: string): Promise<LoadedEncoder> {
      unpacked()
      gone.length = 0
      process.env[variable] = '7'
      const spec = await specOf('embed', 'CPU')
      const { model } = spec
      const open = async ({ as }: ServerSettings, client: ServerClient) =>
        new ServerEncoder({ client, as, api: '/v3', model, maxTokens: 512, tokenizer: undefined }, 3)
      const loaded = await loadOvms(spec, readSettings(spec.settings), open, (why) => gone.push(why))
      return loaded as LoadedEncoder
    }
    const { signal } = new AbortController()

    test('where it dies, as does what was asked of it', async () => {
      const loaded = await encoder('FAKE_OVMS_EXIT')
      await expect(loaded.embed(['a'], 'query', signal)).rejects.toThrow('ovms failed: exit code 7')
      await loaded.dispose()
      expect(gone).toEqual(['exit code 7'])
    })

    test('where it lives and answers nobody', async () => {
      const loaded = await encoder('FAKE_OVMS_DEAF')
      await loaded.embed(['a'], 'query', signal)
      await expect.poll(() => gone).toEqual([expect.stringMatching('ECONNREFUSED')])
      await loaded.dispose()
      expect(gone).toHaveLength(1)
    })
  })

  test('answers nobody but us', async () => {
    unpacked()
    const spec = await specOf('embed', 'CPU')
    const { running, settings } = await startOvms(spec, readSettings(spec.settings))
    const body = JSON.stringify({ model: 'm', input: ['a'] })
    const stranger = await fetch(`${settings.server.url}/v3/embeddings`, { method: 'POST', body })
    expect(stranger.status).toBe(401)
    await running.stop()
  })

  test.each<[string, string, Readonly<Record<string, string>>, RegExp]>([
    ['a device that is not there', 'GPU.1', {}, /ovms finds no device GPU\.1 here/],
    [
      'a model that it cannot read',
      'CPU',
      { 'openvino_model.xml': 'garbage' },
      /ovms failed: it cannot load the model: Unable to read the model; its log is .*ovms-m\.log/,
    ],
  ])('%s: why, in one sentence', async (_name, device, files, says) => {
    unpacked()
    const spec = await specOf('embed', device, modelFolder('m', files))
    await expect(engine.load(spec)).rejects.toThrow(says)
  })

  test('arguments that it does not know', async () => {
    unpacked()
    const models = [{ name: 'm', folder: modelFolder('m'), task: 'embed', device: 'CPU' }]
    const { servers } = await found(models, { args: ['--nireq', '4'] })
    const spec = await specOf('embed', 'CPU')
    const settings = serverSettings(servers[0]!, 'm')
    await expect(engine.load({ ...spec, settings })).rejects.toThrow(
      /ovms failed: its arguments do not fit \(Option 'nireq' does not exist\)/,
    )
  })
})
