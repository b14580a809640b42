/** A real Ollama that somebody else started: its models are placements, nothing on it changes, it may die and come back. */
import { existsSync } from 'node:fs'
import { appendFile, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../../src/config/index.ts'
import type { Plan } from '../../src/domain/index.ts'
import { discoverServers } from '../../src/engines/index.ts'
import { softwareOf } from '../../src/engines/openai/servers/index.ts'
import { CHAT, EMBED, post, statusOf } from '../support/api.ts'
import { stream } from '../support/interrupted.ts'
import { CHAT_GGUF } from '../support/llama-server.ts'
import { CHAT_MODELFILE, describeOllama, startOllama, type TestOllama } from '../support/ollama.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const CHATS = '/v1/chat/completions'
const THEIRS = 'peer-chat:latest'
/** `tandem-embed-small` as a GGUF file, which does not ship: with it the real vectors are compared, else a wrong model's. */
const embedGguf = process.env['TANDEM_TEST_EMBED_GGUF']

const question = {
  model: THEIRS,
  messages: [{ role: 'user', content: 'What does the queue do when it is full?' }],
  max_tokens: 60,
  temperature: 0,
}

/** The chat model as another file: Ollama tells models of one file by the name that was asked for last. */
async function anotherFile(folder: string): Promise<string> {
  const other = join(folder, 'other.gguf')
  await copyFile(CHAT_GGUF, other)
  await appendFile(other, '\0')
  return other
}

async function json<T>({ url }: { url: string }, path: string): Promise<T> {
  return (await (await fetch(`${url}${path}`)).json()) as T
}

interface Listed {
  readonly id: string
  readonly tandem: {
    readonly tasks: string[]
    readonly contextTokens: number
    readonly dimensions?: number
    readonly servers?: { name: string; loaded?: boolean }[]
  }
}

describeOllama('an adopted Ollama', () => {
  let folder: string
  let ollama: TestOllama
  let server: TestServer

  const listed = async (id: string) =>
    (await json<{ data: Listed[] }>(server, '/v1/models')).data.find((each) => each.id === id)?.tandem
  const worker = async (model: string) =>
    (await statusOf(server)).workers.find((each) => each.model === model && each.device === 'server:peer')

  beforeAll(async () => {
    expect(embedGguf === undefined || existsSync(embedGguf), `TANDEM_TEST_EMBED_GGUF: ${embedGguf}`).toBe(
      true,
    )
    folder = await mkdtemp(join(tmpdir(), 'tandem-peers-'))
    ollama = await startOllama()
    await ollama.create('peer-chat', CHAT_MODELFILE)
    await ollama.create(EMBED, `FROM ${embedGguf ?? (await anotherFile(folder))}\n`)
    server = await startTestServer({
      config: {
        servers: [
          { name: 'peer', url: ollama.url },
          // it may stand in for the shipped encoder, if its vectors are the same
          {
            name: 'vectors',
            url: ollama.url,
            kind: 'ollama',
            tasks: ['embed'],
            models: [`${EMBED}:latest`, EMBED],
          },
        ],
      },
    })
  })
  afterAll(async () => {
    await server?.stop()
    await ollama?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('is found where it listens, with its models, what they do, and their windows', async () => {
    const { signal } = new AbortController()
    const config = Config.parse({ adopt: { discover: true } })
    const software = [{ ...softwareOf('ollama'), ports: [ollama.port] }]
    const { servers, warnings } = await discoverServers(config, { env: {}, signal, software })
    expect(warnings).toEqual([])
    expect(servers).toMatchObject([{ name: 'ollama', kind: 'ollama', url: ollama.url, answered: true }])
    expect(servers[0]?.version).toMatch(/^\d+\.\d+/)
    const chat = servers[0]?.models.find(({ name }) => name === THEIRS)
    expect(chat).toMatchObject({
      tasks: ['chat'],
      loaded: false,
      contextTokens: 2048,
      parameters: 30_940_000,
    })
    const embed = servers[0]?.models.find(({ name }) => name === `${EMBED}:latest`)
    if (embedGguf) expect(embed).toMatchObject({ tasks: ['embed'], dimensions: 384, contextTokens: 512 })
  })

  test('by its address too; being looked at has loaded nothing', async () => {
    expect(await listed(THEIRS)).toMatchObject({
      tasks: ['chat'],
      contextTokens: 2048,
      servers: [{ name: 'peer', loaded: false }],
    })
    expect(await worker(THEIRS)).toMatchObject({ state: 'stopped', loaded: false })
    expect(await ollama.loaded()).not.toContain(THEIRS)
  })

  test('[no-silent-fallback] a chat is its own answer, streamed and in one piece, and says where it ran', async () => {
    const direct = (await (await post(ollama, CHATS, question)).json()) as {
      choices: { message: { content: string } }[]
      usage: object
    }
    const response = await post(server, CHATS, question)
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-device')).toBe('server:peer')
    expect(response.headers.get('x-tandem-engine')).toBe('openai')
    const whole = (await response.json()) as typeof direct
    expect(whole.choices[0]?.message.content).toBe(direct.choices[0]?.message.content)
    expect(whole.usage).toMatchObject(direct.usage)
    const streamed = await stream(server, CHATS, question)
    expect(streamed.text).toBe(direct.choices[0]?.message.content)
    expect(streamed).toMatchObject({ done: true, error: undefined })
  })

  test('what it has loaded is followed', async () => {
    expect(await ollama.loaded()).toContain(THEIRS)
    await expect
      .poll(async () => (await listed(THEIRS))?.servers, { interval: 500 })
      .toEqual([{ name: 'peer', loaded: true }])
    expect(await worker(THEIRS)).toMatchObject({ state: 'ready', loaded: true })
  })

  test('keeps a JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: { kind: { enum: ['bug', 'feature'] }, urgent: { type: 'boolean' } },
      required: ['kind', 'urgent'],
      additionalProperties: false,
    }
    const response_format = { type: 'json_schema', json_schema: { name: 'issue', schema } }
    const response = await post(server, CHATS, { ...question, response_format })
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
    expect(JSON.parse(choices[0]!.message.content)).toEqual({
      kind: expect.stringMatching(/^(bug|feature)$/),
      urgent: expect.any(Boolean),
    })
  })

  test('tools of a model that has none are refused with its own reason, as a wrong request', async () => {
    const tools = [
      { type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } },
    ]
    const response = await post(server, CHATS, { ...question, tools })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringMatching(/does not support tools/), type: 'invalid_request_error' },
    })
  })

  test('[vector-safe] other vectors than those of the reference never enter an index, and are answered by name', async () => {
    await expect
      .poll(
        async () =>
          (await json<Plan>(server, '/tandem/v1/plan')).rejected.map(({ device, reason }) => [
            device,
            reason,
          ]),
        { interval: 250 },
      )
      .toContainEqual(['server:vectors', expect.stringMatching(/vectors differ, cosine 0\.\d+/)])
    const own = await post(server, '/v1/embeddings', { model: EMBED, input: 'a queue' })
    expect(own.headers.get('x-tandem-device')).toBe('cpu')
    const input = ['a queue', 'const a = b + c < d']
    const named = await post(server, '/v1/embeddings', { model: `vectors/${EMBED}`, input })
    expect(named.headers.get('x-tandem-device')).toBe('server:vectors')
    type Vectors = { data: { embedding: number[] }[] }
    const { data } = (await named.json()) as Vectors
    const direct = (await (await post(ollama, '/v1/embeddings', { model: EMBED, input })).json()) as Vectors
    for (const [at, { embedding }] of data.entries())
      expect(cosine(embedding, direct.data[at]!.embedding)).toBeGreaterThan(0.9999)
  })

  test('[failure-domains] killed in mid-stream: a clear error ends it, and the model is back when the server is', async () => {
    const broken = await stream(server, CHATS, { ...question, max_tokens: 200 }, async (pieces) => {
      if (pieces === 5) await ollama.kill()
    })
    expect(broken.done).toBe(false)
    expect(broken.error?.message).toMatch(/peer|server:peer/)
    expect(broken.text).not.toBe('')
    expect((await post(server, CHATS, { ...question, model: CHAT })).status).toBe(200)
    await expect.poll(async () => (await worker(THEIRS))?.state).toBe('restarting')
    expect((await worker(THEIRS))?.error).toContain('does not answer')
    await ollama.restart()
    await expect.poll(async () => (await worker(THEIRS))?.state).toBe('ready')
    expect((await stream(server, CHATS, question)).error).toBeUndefined()
  })
})

describeOllama('an Ollama whose user lets Tandem manage it', () => {
  let ollama: TestOllama
  let folder: string
  beforeAll(async () => {
    ollama = await startOllama()
    await ollama.create('peer-chat', CHAT_MODELFILE)
    // another file: models of one file share what is loaded
    folder = await mkdtemp(join(tmpdir(), 'tandem-other-'))
    await ollama.create('other-chat', CHAT_MODELFILE.replace(CHAT_GGUF, await anotherFile(folder)))
  })
  afterAll(async () => {
    await ollama?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const chat = async (server: TestServer, model = THEIRS) =>
    expect((await post(server, CHATS, { ...question, model, max_tokens: 4 })).status).toBe(200)

  test('a model is unloaded when nobody has asked for it as long as the policy says', async () => {
    const server = await startTestServer({
      config: {
        servers: [{ name: 'peer', url: ollama.url, manage: true }],
        placement: { policies: { development: { unloadIdleS: 2 } } },
      },
    })
    await chat(server)
    expect(await ollama.loaded()).toEqual([THEIRS])
    await expect.poll(() => ollama.loaded()).toEqual([])
    await chat(server)
    await server.stop()
    expect(await ollama.loaded()).toEqual([])
  })

  test('what somebody else loaded stays, also when Tandem ends', async () => {
    await post(ollama, '/api/generate', { model: 'other-chat', stream: false })
    expect(await ollama.loaded()).toEqual(['other-chat:latest'])
    const server = await startTestServer({
      config: { servers: [{ name: 'peer', url: ollama.url, manage: true }] },
    })
    await chat(server, 'other-chat:latest')
    await chat(server)
    await server.stop()
    expect(await ollama.loaded()).toEqual(['other-chat:latest'])
  })

  test('without the word of its user nothing is unloaded', async () => {
    const server = await startTestServer({
      config: {
        servers: [{ name: 'peer', url: ollama.url }],
        placement: { policies: { development: { unloadIdleS: 1 } } },
      },
    })
    await chat(server)
    await server.stop()
    expect(await ollama.loaded()).toContain(THEIRS)
  })
})

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, d) => sum + value * y[d]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
