import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { FAKE_SERVERS, startFakeModelServer } from '../../../test/fakes/model-servers.ts'
import { describeLlamaServer, startLlamaServer } from '../../../test/support/llama-server.ts'
import { Config } from '../../config/index.ts'
import { discoverServers } from './discover.ts'
import { softwareOf } from './servers/index.ts'

const { signal } = new AbortController()

function look(servers: Config['servers'], env: NodeJS.ProcessEnv = {}) {
  return discoverServers(Config.parse({ servers, adopt: { discover: false } }), { env, signal })
}

describe('what a server tells of itself', () => {
  test.each([
    [
      'ollama',
      {
        version: '0.12.6',
        device: { kind: 'dgpu', told: true },
        models: [
          {
            name: 'qwen2.5-coder:7b',
            tasks: ['chat'],
            loaded: true,
            contextTokens: 16384,
            parameters: 7_600_000_000,
            images: false,
          },
          { name: 'qwen2.5vl:3b', tasks: ['chat'], images: true },
          {
            name: 'all-minilm:latest',
            tasks: ['embed'],
            loaded: false,
            parameters: 23_000_000,
            contextTokens: 256,
            dimensions: 384,
          },
        ],
      },
    ],
    [
      'lmstudio',
      {
        models: [
          { name: 'qwen2.5-coder-14b-instruct', loaded: true, contextTokens: 8192, images: false },
          { name: 'qwen2.5-vl-7b-instruct', tasks: ['chat'], loaded: true, images: true },
          {
            name: 'text-embedding-nomic-embed-text-v1.5',
            tasks: ['embed'],
            loaded: false,
            contextTokens: 2048,
          },
        ],
      },
    ],
    ['ovms', { models: [{ name: 'OpenVINO/bge-base-en-v1.5-int8-ov', tasks: ['embed'], loaded: true }] }],
    [
      'vllm',
      {
        version: '0.11.0',
        device: { kind: 'dgpu', told: false },
        models: [{ name: 'Qwen/Qwen2.5-7B-Instruct', tasks: ['chat'], contextTokens: 32768 }],
      },
    ],
    [
      'text-generation-webui',
      { models: [{ name: 'Mistral-7B-Instruct-v0.3-Q4_K_M.gguf', tasks: ['chat'] }] },
    ],
    [
      'koboldcpp',
      {
        version: '1.99',
        models: [{ name: 'koboldcpp/L3-8B-Stheno-v3.2-Q4_K_S', contextTokens: 8192, images: true }],
      },
    ],
    ['openai', { models: [{ name: 'gpt-4o-mini' }, { name: 'text-embedding-3-small', tasks: ['embed'] }] }],
  ] as const)(
    '%s is recognised by its own routes, and nothing that could change it is sent',
    async (kind, told) => {
      const fake = await startFakeModelServer(FAKE_SERVERS[kind])
      const { servers, warnings } = await look([{ name: 'theirs', url: `${fake.url}/v1` }])
      expect(servers).toMatchObject([{ name: 'theirs', kind, url: fake.url, local: true, ...told }])
      expect(warnings).toEqual([])
      expect(fake.breaches).toEqual([])
      await fake.stop()
    },
  )

  test("a Tandem that took Ollama's port is not taken for Ollama", async () => {
    const version = { version: '0.12.6', tandem: '0.1.0' }
    const fake = await startFakeModelServer({ ...FAKE_SERVERS.ollama, '/api/version': version })
    const { servers, warnings } = await look([{ name: 'itself', url: fake.url, kind: 'ollama' }])
    expect(servers).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('does not answer as Ollama')])
    await fake.stop()
  })

  test('only the models and tasks that the user allows are taken', async () => {
    const fake = await startFakeModelServer(FAKE_SERVERS.ollama)
    const chats = await look([{ name: 'a', url: fake.url, tasks: ['chat'] }])
    expect(chats.servers[0]?.models.map(({ name }) => name)).toEqual(['qwen2.5-coder:7b', 'qwen2.5vl:3b'])
    const named = await look([{ name: 'a', url: fake.url, models: ['all-minilm:latest', 'not-listed'] }])
    expect(named.servers[0]?.models).toMatchObject([
      { name: 'all-minilm:latest', tasks: ['embed'] },
      { name: 'not-listed', tasks: ['chat'] },
    ])
    await fake.stop()
  })

  test("a model that is named without Ollama's tag is the one with it", async () => {
    const fake = await startFakeModelServer(FAKE_SERVERS.ollama)
    const { servers } = await look([{ name: 'a', url: fake.url, models: ['all-minilm'] }])
    expect(servers[0]?.models).toMatchObject([{ name: 'all-minilm', dimensions: 384, contextTokens: 256 }])
    await fake.stop()
  })

  test('one that loads nothing on request cannot be managed, and that is told', async () => {
    const kinds = ['vllm', 'ollama'] as const
    const fakes = await Promise.all(kinds.map((kind) => startFakeModelServer(FAKE_SERVERS[kind])))
    const { servers, warnings } = await look(
      fakes.map(({ url }, at) => ({ name: kinds[at]!, url, manage: true })),
    )
    expect(servers.map(({ manage }) => manage)).toEqual([undefined, true])
    expect(warnings).toEqual([expect.stringMatching(/vllm at .*`manage` does nothing there/)])
    await Promise.all(fakes.map((fake) => fake.stop()))
  })

  test('one that is found again keeps its name, and takes none of another that is known', async () => {
    const fake = await startFakeModelServer(FAKE_SERVERS.ollama)
    const software = [{ ...softwareOf('ollama'), ports: [Number(new URL(fake.url).port)] }]
    const config = Config.parse({ adopt: { discover: true } })
    const namesWith = async (known: { name: string; url: string }[]) =>
      (await discoverServers(config, { env: {}, signal, software, known })).servers.map(({ name }) => name)
    expect(await namesWith([])).toEqual(['ollama'])
    expect(await namesWith([{ name: 'ollama', url: 'https://ai.example' }])).toEqual(['ollama-2'])
    const both = [
      { name: 'ollama', url: 'http://127.0.0.1:9' },
      { name: 'ollama-2', url: fake.url },
    ]
    expect(await namesWith(both)).toEqual(['ollama-2'])
    await fake.stop()
  })

  test('one that is away is a warning; what the user listed of it is taken on trust', async () => {
    const url = 'http://127.0.0.1:9'
    const unknown = await look([{ name: 'away', url }])
    expect(unknown).toMatchObject({ servers: [], warnings: [expect.stringContaining('does not answer')] })
    const listed = await look([{ name: 'away', url, kind: 'llama-server', models: ['mine'] }])
    expect(listed.servers).toMatchObject([{ kind: 'llama-server', models: [{ name: 'mine' }] }])
    const keyless = await look([{ name: 'away', url, apiKey: 'env:PEER_KEY', models: ['mine'] }])
    expect(keyless.warnings[0]).toContain('PEER_KEY, which is not set')
  })

  test('one that accepts and never answers does not hold up the start', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    const { servers, warnings } = await look([{ name: 'silent', url: `http://127.0.0.1:${port}` }])
    expect(servers).toEqual([])
    expect(warnings).toHaveLength(1)
    silent.close()
  })
})

describeLlamaServer('a real llama-server', () => {
  test('tells its version, file, window and width', async () => {
    const peer = await startLlamaServer()
    const { servers } = await look([{ name: 'theirs', url: peer.url }])
    expect(servers).toMatchObject([
      {
        kind: 'llama-server',
        version: expect.stringMatching(/^b\d+/),
        models: [
          {
            tasks: ['chat'],
            loaded: true,
            contextTokens: 2048,
            dimensions: 512,
            images: false,
            file: expect.stringMatching(/gguf$/),
          },
        ],
      },
    ])
    await peer.stop()
  })
})
