/** The official client of Ollama against the real server with the shipped models. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ollama, type Tool } from 'ollama'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FakeHub } from '../fakes/hub.ts'
import { CHAT, EMBED, indexed, post, statusOf, until } from '../support/api.ts'
import { PNG } from '../support/pictures.ts'
import { sentenceRepository } from '../support/sentence-repository.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const hello = [{ role: 'user', content: 'Hello' }]
const QUEUE = `/** Takes the oldest waiting request out of the queue, or undefined when nothing waits. */
export function takeOldest(waiting: string[]): string | undefined {
  return waiting.shift()
}
`
const question = [{ role: 'user', content: 'Which function takes the oldest waiting request?' }]
const cited = { tandem: { citations: [expect.objectContaining({ path: 'src/queue.ts' })] } }
const PULLED = 'someone/sentences'

let folder: string
let hub: FakeHub
let server: TestServer
let client: Ollama
let project: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-project-'))
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src', 'queue.ts'), QUEUE)
  hub = await new FakeHub({ [PULLED]: sentenceRepository() }).listen()
  server = await startTestServer({
    config: { chat: { slots: 1 }, hub: { url: hub.url } },
    projects: [folder],
  })
  client = new Ollama({ host: server.url })
  project = (await indexed(server)).name
})
afterAll(async () => {
  await server?.stop()
  await hub?.close()
  await rm(folder, { recursive: true, force: true })
})

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

describe('chat', () => {
  test('a whole answer has text, counts and times', async () => {
    const answer = await client.chat({ model: `${CHAT}:latest`, messages: hello })
    expect(answer.message).toEqual({ role: 'assistant', content: expect.stringMatching(/\w/) })
    expect(answer).toMatchObject({ model: `${CHAT}:latest`, done: true, done_reason: 'stop' })
    expect(Date.parse(String(answer.created_at))).toBeGreaterThan(Date.now() - 60_000)
    for (const count of [answer.prompt_eval_count, answer.eval_count]) expect(count).toBeGreaterThan(0)
    expect(answer.eval_duration).toBeGreaterThan(1000) // nanoseconds
    const parts = answer.load_duration + answer.prompt_eval_duration + answer.eval_duration
    expect(Math.abs(answer.total_duration - parts)).toBeLessThanOrEqual(2)
  })

  test('a stream brings the same text in pieces, the counts on its last line', async () => {
    const request = { model: CHAT, messages: hello, options: { temperature: 0 } }
    const whole = await client.chat(request)
    const parts = await all(await client.chat({ ...request, stream: true }))
    expect(parts.length).toBeGreaterThan(3)
    expect(parts.map(({ message }) => message.content).join('')).toBe(whole.message.content)
    expect(parts.slice(0, -1).every(({ done }) => !done)).toBe(true)
    expect(parts.at(-1)).toMatchObject({ done: true, done_reason: 'stop', eval_count: whole.eval_count })
  })

  test('[no-silent-fallback] without `stream` lines come, with who served them in the headers', async () => {
    const response = await post(server, '/api/chat', { model: CHAT, messages: hello })
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(response.headers.get('x-tandem-device')).toBe('cpu')
    expect(response.headers.get('x-tandem-engine')).toBe('llama.cpp')
    const lines = (await response.text()).trimEnd().split('\n')
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ done: true })
  })

  test('num_predict and stop end an answer', async () => {
    const short = await client.chat({ model: CHAT, messages: hello, options: { num_predict: 3 } })
    expect(short).toMatchObject({ done_reason: 'length', eval_count: 3 })
    const whole = await client.chat({ model: CHAT, messages: hello, options: { temperature: 0 } })
    const text = whole.message.content
    const stop = [text.split(' ')[3]!]
    const stopped = await client.chat({ model: CHAT, messages: hello, options: { temperature: 0, stop } })
    expect(stopped.message.content).toBe(text.slice(0, text.indexOf(stop[0]!)))
  })

  test('tools: a call with its arguments as an object, whole and streamed, and its result', async () => {
    const tools: Tool[] = [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          description: 'The weather of a city',
          parameters: {
            type: 'object',
            required: ['unit'],
            properties: { unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
          },
        },
      },
    ]
    // which of the two the model chooses is its own affair: the form of either is checked
    const request = { model: CHAT, messages: hello, tools, options: { temperature: 0 } }
    const whole = await client.chat(request)
    const parts = await all(await client.chat({ ...request, stream: true }))
    const streamed = parts.flatMap(({ message }) => message.tool_calls ?? [])
    expect(streamed).toEqual(whole.message.tool_calls ?? [])
    const called = {
      role: 'assistant',
      content: '',
      tool_calls: [{ function: { name: 'get_weather', arguments: { unit: 'celsius' } } }],
    }
    const after = await client.chat({
      model: CHAT,
      messages: [...hello, called, { role: 'tool', tool_name: 'get_weather', content: '20' }],
      options: { num_predict: 5 },
    })
    expect(after.message.content).toMatch(/\w/)
  })

  test('a JSON schema shapes the answer', async () => {
    const format = {
      type: 'object',
      properties: { colour: { enum: ['red', 'green'] }, sure: { type: 'boolean' } },
      required: ['colour', 'sure'],
    }
    const answer = await client.chat({ model: CHAT, messages: hello, format })
    expect(JSON.parse(answer.message.content)).toEqual({
      colour: expect.stringMatching(/^(red|green)$/),
      sure: expect.any(Boolean),
    })
  })

  test('an abort in mid-stream frees the only slot', async () => {
    const format = { type: 'array', items: { type: 'string', minLength: 1000 }, minItems: 10 }
    const options = { num_predict: 1500 }
    const stream = await client.chat({ model: CHAT, messages: hello, stream: true, format, options })
    let pieces = 0
    await expect(async () => {
      for await (const _ of stream) {
        pieces += 1
        if (pieces === 5) stream.abort()
      }
    }).rejects.toThrow(/abort/i)
    const free = async () => {
      const { workers } = await statusOf(server)
      return workers.every(({ task, running }) => task !== 'chat' || running === 0)
    }
    await until(free, 'a free slot')
    const next = await client.chat({ model: CHAT, messages: hello, options: { num_predict: 2 } })
    expect(next.eval_count).toBe(2)
  })

  test('a project by the name of the model: the answer cites it, whole and streamed', async () => {
    const model = `${CHAT}@${project}`
    const whole = await client.chat({ model, messages: question })
    expect(whole.message.content).toContain('takeOldest')
    expect(whole).toMatchObject(cited)
    const parts = await all(await client.chat({ model: `${model}:latest`, messages: question, stream: true }))
    expect(parts.at(-1)).toMatchObject(cited)
  })
})

describe('generate', () => {
  test('a prompt is answered, whole and streamed', async () => {
    const request = { model: CHAT, prompt: 'Hello', system: 'Be brief.', options: { temperature: 0 } }
    const whole = await client.generate(request)
    expect(whole).toMatchObject({ done: true, response: expect.stringMatching(/\w/) })
    const parts = await all(await client.generate({ ...request, stream: true }))
    expect(parts.map(({ response }) => response).join('')).toBe(whole.response)
  })

  test('raw goes on with the text as it is', async () => {
    const options = { num_predict: 8, temperature: 0 }
    const raw = await client.generate({ model: CHAT, prompt: 'export function ', raw: true, options })
    expect(raw).toMatchObject({ done_reason: 'length', eval_count: 8 })
    const asked = await client.generate({ model: CHAT, prompt: 'export function ', options })
    expect(raw.prompt_eval_count).toBeLessThan(asked.prompt_eval_count)
  })

  test('without a prompt the model is loaded', async () => {
    const loaded = await client.generate({ model: CHAT, prompt: '' })
    expect(loaded).toMatchObject({ done: true, done_reason: 'load', response: '' })
    expect(loaded.load_duration).toBeGreaterThan(0)
  })
})

describe('embeddings', () => {
  test('embed: one text and several, the vectors of the other dialects', async () => {
    const input = ['sort names by length', 'function sortNames(names) {}']
    const several = await client.embed({ model: EMBED, input })
    const [one] = (await client.embed({ model: `${EMBED}:latest`, input: input[0]! })).embeddings
    const openai = await post(server, '/v1/embeddings', { model: EMBED, input: input[0] })
    const { data } = (await openai.json()) as { data: { embedding: number[] }[] }
    expect(several.embeddings).toHaveLength(2)
    expect(one).toHaveLength(384)
    expect(one).toEqual(data[0]!.embedding)
    expect(several.prompt_eval_count).toBeGreaterThan(10)
    const old = await client.embeddings({ model: EMBED, prompt: input[0]! })
    expect(old.embedding).toEqual(one)
  })

  test('a text too long is cut, and refused where it may not be', async () => {
    const input = ['short', 'word '.repeat(5000)]
    expect((await client.embed({ model: EMBED, input })).embeddings).toHaveLength(2)
    await expect(client.embed({ model: EMBED, input, truncate: false })).rejects.toMatchObject({
      status_code: 400,
      message: expect.stringContaining('input.1: is longer than the 512 tokens'),
    })
  })
})

describe('models', () => {
  test('list, show, ps and version', async () => {
    const { models } = await client.list()
    const names = models.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining([CHAT, EMBED, `${CHAT}@${project}`]))
    const chat = models.find(({ name }) => name === CHAT)!
    expect(chat).toMatchObject({
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      details: {
        format: 'gguf',
        quantization_level: 'Q8_0',
        parameter_size: expect.stringMatching(/^\d+(\.\d)?M$/),
      },
    })
    expect(chat.size).toBeGreaterThan(1_000_000)

    const shown = await client.show({ model: `${CHAT}:latest` })
    expect(shown).toMatchObject({
      capabilities: ['completion', 'tools'],
      model_info: { 'decoder.context_length': expect.any(Number) },
    })
    expect((await client.show({ model: EMBED })).capabilities).toEqual(['embedding'])

    const { models: loaded } = await client.ps()
    expect(loaded.map(({ name }) => name).sort()).toEqual([EMBED, CHAT].sort())
    expect(loaded[0]!.size_vram).toBe(0)
    expect((await client.version()).version).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test('pull tells its progress, and then the model is served; an unknown name is an error', async () => {
    const lines = await all(await client.pull({ model: PULLED, stream: true }))
    expect(lines[0]!.status).toBe('pulling manifest')
    const counted = lines.filter(({ total }) => total)
    expect(counted.at(-1)!.completed).toBe(counted.at(-1)!.total)
    expect(lines.at(-1)).toMatchObject({ status: 'success', tandem: { id: PULLED } })
    const { embeddings } = await client.embed({ model: PULLED, input: 'expired sessions' })
    expect(embeddings[0]).toHaveLength(384)
    expect(await client.pull({ model: `${PULLED}:latest` })).toMatchObject({ status: 'success' })

    await expect(client.pull({ model: 'someone/nothing' })).rejects.toMatchObject({ status_code: 404 })
    await expect(async () => all(await client.pull({ model: 'llama3.2:1b', stream: true }))).rejects.toThrow(
      'there is no model "llama3.2"',
    )
  })
})

test('keep_alive 0 unloads an idle model, the next request loads it again, and others hold it', async () => {
  const chats = async () => (await client.ps()).models.filter(({ name }) => name === CHAT)
  const answered = await client.chat({ model: CHAT, messages: hello, keep_alive: '10m' })
  expect(answered.message.content).not.toBe('')
  const [held] = await chats()
  const leftMs = new Date(held!.expires_at).getTime() - Date.now()
  expect(leftMs).toBeGreaterThan(500_000)
  expect(leftMs).toBeLessThanOrEqual(600_000)

  const unloaded = await client.generate({ model: CHAT, prompt: '', keep_alive: 0 })
  expect(unloaded).toMatchObject({ done: true, done_reason: 'unload', response: '' })
  expect(await chats()).toEqual([])
  const stopped = (await statusOf(server)).workers.find(({ task }) => task === 'chat')
  expect(stopped).toMatchObject({ state: 'stopped', error: expect.stringContaining('loads again') })

  const again = await client.chat({ model: CHAT, messages: hello, keep_alive: 0, stream: false })
  expect(again.message.content).not.toBe('')
  expect(await chats()).toEqual([])
  await client.generate({ model: CHAT, prompt: '', keep_alive: -1 })
  expect(new Date((await chats())[0]!.expires_at).getFullYear()).toBeGreaterThan(2100)
})

describe('errors have a text and a status', () => {
  test.each([
    ['an unknown model', () => client.chat({ model: 'nope', messages: hello }), 404, 'no model "nope"'],
    ['a stream of one', () => client.chat({ model: 'nope', messages: hello, stream: true }), 404, 'nope'],
    [
      'a model of another task',
      () => client.generate({ model: EMBED, prompt: 'x' }),
      400,
      'does not serve chat',
    ],
    [
      'images',
      () => client.chat({ model: CHAT, messages: [{ ...hello[0]!, images: ['aGk='] }] }),
      400,
      'messages.0.images.0',
    ],
    [
      'images for a model of text',
      () => client.chat({ model: CHAT, messages: [{ ...hello[0]!, images: [PNG] }] }),
      400,
      'no model here reads images',
    ],
    [
      'a wrong option',
      () => client.generate({ model: CHAT, prompt: 'x', options: { top_p: 3 } }),
      400,
      'top_p',
    ],
    ['what Tandem does not do', () => client.delete({ model: CHAT }), 404, 'tandem pull'],
  ] as const)('%s', async (_, call, status_code, message) => {
    await expect(call() as Promise<unknown>).rejects.toMatchObject({
      status_code,
      message: expect.stringContaining(message),
    })
  })
})

test('clients that probe find what they look for', async () => {
  const head = await fetch(server.url, { method: 'HEAD' })
  expect(head.status).toBe(200)
  expect(await (await fetch(server.url)).text()).toContain('Ollama is running')
})

test('a body under the name that curl gives it is read', async () => {
  const response = await fetch(`${server.url}/api/show`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: JSON.stringify({ name: CHAT }),
  })
  expect(response.status).toBe(200)
})
