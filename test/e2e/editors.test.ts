/** What editors ask of a llama-server, against the real server: the shipped model, and one with tokens for filling in. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHAT, post } from '../support/api.ts'
import { withValues } from '../support/gguf.ts'
import {
  CHAT_GGUF,
  describeLlamaServer,
  startLlamaServer,
  type TestLlamaServer,
} from '../support/llama-server.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** Ids that the shipped model was not trained to read so: what it writes is of no use, how it is asked is. */
const FIM = {
  'tokenizer.ggml.fim_pre_token_id': 10_200,
  'tokenizer.ggml.fim_suf_token_id': 10_201,
  'tokenizer.ggml.fim_mid_token_id': 10_202,
}
const gap = { input_prefix: 'function add(a, b) {\n  return ', input_suffix: '\n}\n' }
const greedy = { ...gap, n_predict: 6, temperature: 0 }

interface Filled {
  content: string
  stop: boolean
  tokens_evaluated: number
}

let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-editors-'))
  file = join(folder, 'fim.gguf')
  await writeFile(file, withValues(await readFile(CHAT_GGUF), FIM))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function filled(server: TestServer, fields: object = {}): Promise<Filled> {
  const response = await post(server, '/infill', { ...greedy, ...fields })
  expect(response.status).toBe(200)
  return (await response.json()) as Filled
}

describe('the shipped model', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server?.stop())

  test('ids of a text give it again, with a model named or not', async () => {
    const content = 'const größe = [1, 2] // 漢😀'
    for (const model of [{}, { model: CHAT }]) {
      const read = await post(server, '/tokenize', { content, ...model })
      const { tokens } = (await read.json()) as { tokens: number[] }
      expect(tokens.length).toBeGreaterThan(5)
      const written = await post(server, '/detokenize', { tokens, ...model })
      expect(await written.json()).toEqual({ content })
    }
  })

  test.each([
    ['/infill', gap, 'has no tokens for it'],
    ['/infill', { input_prefix: 'a' }, 'input_suffix: is required'],
    ['/detokenize', { tokens: [1e9] }, 'is no token of this model'],
    ['/tokenize', {}, 'content: is required'],
  ])('%s %j is refused in the form of llama-server', async (path, body, why) => {
    const response = await post(server, path, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: { code: 400, type: 'invalid_request_error', message: expect.stringContaining(why) },
    })
  })
})

describe('a model with tokens for filling in', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ config: { models: { chat: file } } })
  })
  afterAll(() => server?.stop())

  test('fills in, whole and as a stream, and says who did', async () => {
    const whole = await filled(server)
    expect(whole).toMatchObject({ stop: true, tokens_predicted: 6, stop_type: 'limit' })
    expect(whole.content).not.toBe('')
    const response = await post(server, '/infill', { ...greedy, stream: true })
    expect(response.headers.get('x-tandem-engine')).toBe('llama.cpp')
    const events = [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(
      ([, data]) => JSON.parse(data!) as Filled,
    )
    expect(events.map(({ content }) => content).join('')).toBe(whole.content)
    expect(events.at(-1)).toMatchObject({ stop: true, tokens_evaluated: whole.tokens_evaluated })
  })

  test('reads a prompt ahead without writing: the next one finds it', async () => {
    const ahead = { ...gap, input_prefix: `// ${'ahead '.repeat(100)}\n`, temperature: 0 }
    expect(await filled(server, { ...ahead, n_predict: 0 })).toMatchObject({ content: '', stop: true })
    const next = await filled(server, { ...ahead, response_fields: ['timings/cache_n'] })
    expect(next).toEqual({ 'timings/cache_n': expect.any(Number) })
    expect((next as unknown as Record<string, number>)['timings/cache_n']).toBeGreaterThan(50)
  })

  test("OpenAI's and Ollama's suffix give the same text", async () => {
    const { content } = await filled(server)
    const { input_prefix: prompt, input_suffix: suffix } = gap
    const openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 })
    const { data } = await openai.models.list()
    const model = data.find(({ id }) => id.startsWith('fim'))!.id
    const sampled = { model, prompt, suffix, max_tokens: 6, temperature: 0 }
    expect((await openai.completions.create(sampled)).choices[0]!.text).toBe(content)
    const options = { num_predict: 6, temperature: 0 }
    const ollama = new Ollama({ host: server.url })
    expect((await ollama.generate({ model, prompt, suffix, options })).response).toBe(content)
  })
})

describeLlamaServer('an adopted llama-server', () => {
  let peer: TestLlamaServer
  let server: TestServer
  beforeAll(async () => {
    peer = await startLlamaServer(['-m', file, '--alias', 'theirs'])
    server = await startTestServer({ config: { servers: [{ name: 'peer', url: peer.url }] } })
  })
  afterAll(async () => {
    await server?.stop()
    await peer?.stop()
  })

  test('is asked the same, and answers the same', async () => {
    const direct = await fetch(`${peer.url}/infill`, { method: 'POST', body: JSON.stringify(greedy) })
    const theirs = (await direct.json()) as Filled
    const ours = await filled(server, { model: 'theirs' })
    expect([ours.content, ours.tokens_evaluated]).toEqual([theirs.content, theirs.tokens_evaluated])
    const read = await post(server, '/tokenize', { content: 'a queue', model: 'theirs' })
    const { tokens } = (await read.json()) as { tokens: number[] }
    const written = await post(server, '/detokenize', { tokens, model: 'theirs' })
    expect(await written.json()).toEqual({ content: 'a queue' })
  })
})
