/** Loading and unloading on servers of others: only where their user allows it, and only what Tandem loaded. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FakeLmStudioOptions, startFakeLmStudio } from '../../../test/fakes/lm-studio.ts'
import { startLlamaRouter, type TestLlamaRouter } from '../../../test/support/llama-router.ts'
import { describeLlamaServer } from '../../../test/support/llama-server.ts'
import type { Model, ServerKind, Task } from '../../domain/index.ts'
import type { LoadedDecoder, LoadedEncoder } from '../contract.ts'
import { chatOf, collect, user } from '../decoder.suite.ts'
import { engine } from './child.ts'
import { discoverServers } from './discover.ts'
import { lmStudioPorts } from './servers/index.ts'
import { serverSettings } from './settings.ts'

const { signal } = new AbortController()
const chatModel: Model = {
  id: 'theirs',
  title: 'theirs',
  revision: '1',
  license: 'MIT',
  tasks: ['chat', 'embed'],
  parameters: 1,
  contextTokens: 32_768,
  files: { remote: [] },
  folder: '/nowhere',
  fingerprint: 'test',
}

interface Peer {
  readonly kind: ServerKind
  readonly url: string
  readonly manage?: boolean
}

function load({ kind, url, manage = false }: Peer, as: string, task: Task = 'chat', contextWish?: number) {
  const server = { name: 'peer', kind, url, local: true, ...(manage ? { manage } : {}) }
  const settings = serverSettings(server, as, contextWish)
  return engine.load({ model: chatModel, task, device: 'peer', threads: 1, slots: 2, settings })
}

const CODER = 'qwen2.5-coder-14b-instruct'
const NOMIC = 'text-embedding-nomic-embed-text-v1.5'
const hello = chatOf([user('What does the queue do when it is full?')])

describe('LM Studio', () => {
  const start = async (options: FakeLmStudioOptions = {}) => {
    const fake = await startFakeLmStudio(options)
    return { fake, peer: { kind: 'lmstudio', url: fake.url } as const }
  }

  test('a model is loaded with the window that was asked for, chats, and is unloaded when its worker ends', async () => {
    const { fake, peer } = await start()
    const decoder = (await load({ ...peer, manage: true }, CODER, 'chat', 8192)) as LoadedDecoder
    expect(fake.orders).toEqual([`POST /api/v1/models/load ${CODER}`])
    // it says how many it answers at once: no more is tried
    expect(decoder).toMatchObject({ contextTokens: 8192, slots: 2, maxSlots: 4 })
    const { text, result } = await collect(decoder, hello)
    expect(text).toBe('The queue is full.')
    expect(result.usage).toMatchObject({ promptTokens: 9, completionTokens: 4 })
    expect(fake.inMemory()).toEqual([CODER])
    await decoder.dispose()
    expect(fake.orders.at(-1)).toBe(`POST /api/v1/models/unload ${CODER}`)
    expect(fake.inMemory()).toEqual([])
    await fake.stop()
  })

  test('embeds with a model that it loaded for it', async () => {
    const { fake, peer } = await start()
    const encoder = (await load({ ...peer, manage: true }, NOMIC, 'embed')) as LoadedEncoder
    expect(encoder.dimensions).toBe(4)
    await encoder.dispose()
    expect(fake.inMemory()).toEqual([])
    await fake.stop()
  })

  test('what somebody else loaded stays loaded, and is not loaded twice', async () => {
    const { fake, peer } = await start({ loaded: [CODER] })
    const decoder = await load({ ...peer, manage: true }, CODER)
    await decoder.dispose()
    expect(fake.orders).toEqual([])
    expect(fake.inMemory()).toEqual([CODER])
    await fake.stop()
  })

  test('one before 0.4, which has no such orders, is left to load by itself', async () => {
    const { fake, peer } = await start({ before04: true, loadsByItself: true })
    const decoder = (await load({ ...peer, manage: true }, CODER)) as LoadedDecoder
    expect((await collect(decoder, hello)).text).toBe('The queue is full.')
    await decoder.dispose()
    expect(fake.orders).toEqual([`POST /v1/chat/completions ${CODER}`])
    await fake.stop()
  })

  test('without the word of its user nothing is loaded or unloaded, and its refusal is passed on', async () => {
    const { fake, peer } = await start()
    const decoder = (await load(peer, CODER)) as LoadedDecoder
    await expect(collect(decoder, hello)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('No models loaded'),
    })
    await decoder.dispose()
    expect(fake.orders).toEqual([`POST /v1/chat/completions ${CODER}`])
    await fake.stop()
  })

  test('a model that it does not have is an error of the load', async () => {
    const { fake, peer } = await start()
    await expect(load({ ...peer, manage: true }, 'not-here')).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    await fake.stop()
  })

  test.each([
    ['0.4 and later', false],
    ['before 0.4', true],
  ])('%s tells what is loaded and with which window', async (_, before04) => {
    const { fake } = await start({ loaded: [CODER], before04 })
    const servers = [{ name: 'studio', url: fake.url }]
    const found = await discoverServers(
      { servers, adopt: { discover: false }, server: { port: 0, alsoListen: [], compat: {} } as never },
      { env: {}, signal },
    )
    expect(found.servers).toMatchObject([
      {
        kind: 'lmstudio',
        models: [
          { name: CODER, tasks: ['chat'], loaded: true, contextTokens: 4096 },
          { name: 'gemma-3-270m-it-qat', tasks: ['chat'], loaded: false, contextTokens: 32_768 },
          { name: NOMIC, tasks: ['embed'], loaded: false, contextTokens: 2048 },
        ],
      },
    ])
    expect(fake.orders).toEqual([])
    await fake.stop()
  })
})

describe("LM Studio's own ports", () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'tandem-lmstudio-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  const portsOf = async (greets: boolean) => {
    const fake = await startFakeLmStudio()
    const get = async (port: number, path: string) =>
      greets && port === fake.port ? (await fetch(`${fake.url}${path}`)).json() : undefined
    const ports = await lmStudioPorts(get, { HOME: home }, [9, fake.port])
    await fake.stop()
    return ports
  }
  const keep = async (folder: string, text: string) => {
    await mkdir(join(folder, '.internal'), { recursive: true })
    await writeFile(join(folder, '.internal', 'http-server-config.json'), text)
  }

  test('where one greets, the folder of the app tells where its REST server listens', async () => {
    await keep(join(home, '.lmstudio'), '{"port":1240,"cors":false,"networkInterface":"127.0.0.1"}')
    expect(await portsOf(true)).toEqual([1240])
    expect(await portsOf(false)).toEqual([])
  })

  test('a folder that the user moved is followed', async () => {
    const moved = join(home, 'elsewhere')
    await keep(moved, '{"port":1250}')
    await writeFile(join(home, '.lmstudio-home-pointer'), `${moved}\n`)
    expect(await portsOf(true)).toEqual([1250])
  })

  test.each(['', '{"port":"1234"}', '{"port":0}', 'no JSON'])(
    'a file that says %j tells nothing',
    async (text) => {
      await keep(join(home, '.lmstudio'), text)
      expect(await portsOf(true)).toEqual([])
    },
  )
})

describeLlamaServer('the router of a real llama-server', () => {
  let router: TestLlamaRouter
  beforeEach(async () => {
    router = await startLlamaRouter()
  })
  afterEach(() => router?.stop())

  const loaded = async () => {
    const { data } = (await (await fetch(`${router.url}/models`)).json()) as {
      data: { id: string; status: { value: string } }[]
    }
    return data.filter(({ status }) => status.value === 'loaded').map(({ id }) => id)
  }

  test('lists its models without loading any', async () => {
    const found = await discoverServers(
      {
        servers: [{ name: 'router', url: router.url }],
        adopt: { discover: false },
        server: { port: 0, alsoListen: [], compat: {} } as never,
      },
      { env: {}, signal },
    )
    const [server] = found.servers
    expect(server).toMatchObject({ kind: 'llama-server', version: expect.stringMatching(/^b\d+/) })
    expect(server?.models).toMatchObject([
      { name: router.model, tasks: ['chat'], loaded: false, contextTokens: 2048 },
    ])
    expect(await loaded()).toEqual([])
  })

  test('loads a model, chats by its name and unloads it where it may', async () => {
    const peer = { kind: 'llama-server', url: router.url, manage: true } as const
    const decoder = (await load(peer, router.model)) as LoadedDecoder
    expect(await loaded()).toEqual([router.model])
    expect(decoder).toMatchObject({ contextTokens: 2048, slots: 2, resumes: ['chat', 'text'] })
    expect((await collect(decoder, hello)).text).not.toBe('')
    await decoder.dispose()
    await expect.poll(loaded).toEqual([])
  })
})
