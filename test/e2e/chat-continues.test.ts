/** SIGKILL of the chat worker in the middle of an answer: the text goes on as if nothing had happened. */
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PACKAGE_ROOT } from '../../src/config/index.ts'
import { CHAT, post, until } from '../support/api.ts'
import { killAtWork } from '../support/at-work.ts'
import {
  type Answered,
  chatWorker,
  isAnswering,
  type Kill,
  killedAmid,
  movesTold,
  stream,
} from '../support/interrupted.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { describeVulkan } from '../support/vulkan.ts'

const CHATS = '/v1/chat/completions'
const RAW = '/v1/completions'
const passages = `You answer questions about the project demo from the passages below. Cite the passages that you use as [1], [2]. If they do not answer the question, say so.

[1] src/queue/admission.ts:10-18
\`\`\`ts
/** Rejects a request with 429 when the queue of its device is full. */
export function admitRequest(queue: Queue, request: Request): Admission {
  if (queue.length >= queue.maxWaiting) return { status: 429 }
  queue.push(request)
  return { status: 202 }
}
\`\`\``
const asked = {
  messages: [
    { role: 'system', content: passages },
    { role: 'user', content: 'What does admitRequest do?' },
  ],
}
/** Goes on until its tokens are used up. */
const raw = { prompt: '/** Counts the words of a text. */\nexport function countWords(', max_tokens: 90 }
const json = (schema: object) => ({
  messages: [{ role: 'user', content: 'Hello' }],
  max_tokens: 200,
  response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
})
const EMOJI = { say: '漢字😀é 👩‍👩‍👧'.repeat(4), list: [1, { flag: '🏴‍☠️' }] }
const ticket = {
  type: 'object',
  properties: {
    kind: { enum: ['bug', 'feature'] },
    title: { type: 'string', minLength: 30, maxLength: 60 },
    tags: { type: 'array', items: { type: 'string', maxLength: 6 }, minItems: 3, maxItems: 3 },
    size: { type: 'integer', minimum: 1, maximum: 40 },
  },
  required: ['kind', 'title', 'tags', 'size'],
  additionalProperties: false,
}

/** Kills the chat worker as soon as so many pieces have come. */
const killAt = (server: TestServer, at: number, device = 'cpu'): Kill => ({
  when: (pieces) => pieces >= at,
  victims: async () => [await chatWorker(server, device)],
})

function expectTold(answered: Answered, from = 'llama.cpp on cpu', to = from): void {
  expect(answered.error).toBeUndefined()
  expect(answered.done).toBe(true)
  expect(answered.continued).toHaveLength(1)
  const [move] = answered.continued!
  expect(move).toMatchObject({ from, to, why: expect.stringContaining('SIGKILL') })
  expect(answered.continuedInUsage).toEqual(answered.continued)
  const told = movesTold(answered)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(
    new RegExp(`^tandem-fallback .*${from} broke off after ${move!.atToken} tokens: .*SIGKILL`),
  )
}

describe('the only chat worker is killed', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server?.stop())

  test.each([
    ['a chat, early', CHATS, asked, 2],
    ['a chat, later', CHATS, asked, 14],
    ['raw text', RAW, raw, 1],
    ['raw text, later', RAW, raw, 40],
    ['characters of several tokens', CHATS, json({ const: EMOJI }), 9],
    ['JSON', CHATS, json(ticket), 8],
    ['JSON, later', CHATS, json(ticket), 25],
  ])('[failure-domains] %s goes on with the same text', async (_, path, body, at) => {
    const whole = await stream(server, path, body)
    expect(whole).toMatchObject({ comments: [], continued: undefined, continuedInUsage: undefined })
    const moved = await killedAmid(server, path, body, killAt(server, at))
    expect(moved.text).toBe(whole.text)
    expect(moved.finishReason).toBe(whole.finishReason)
    expect(moved.completionTokens).toBe(whole.completionTokens)
    expectTold(moved)
  })

  test('what JSON went on is valid', async () => {
    const { text } = await killedAmid(server, CHATS, json(ticket), killAt(server, 12))
    const schema = z.fromJSONSchema(ticket as Parameters<typeof z.fromJSONSchema>[0])
    expect(schema.safeParse(JSON.parse(text)).success).toBe(true)
    const emoji = await killedAmid(server, CHATS, json({ const: EMOJI }), killAt(server, 20))
    expect(JSON.parse(emoji.text)).toEqual(EMOJI)
  })

  test('max_tokens are counted over the whole answer, a stop string is found in it', async () => {
    const short = { ...raw, max_tokens: 31 }
    const moved = await killedAmid(server, RAW, short, killAt(server, 10))
    expect(moved).toMatchObject({ completionTokens: 31, finishReason: 'length' })
    const { text } = await stream(server, RAW, raw)
    const stop = text.slice(70, 90)
    const stopped = await killedAmid(
      server,
      RAW,
      { ...raw, stop },
      {
        when: (_, so) => so.length >= 50,
        victims: async () => [await chatWorker(server)],
      },
    )
    expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)))
    expect(stopped.finishReason).toBe('stop')
    expectTold(stopped)
  })

  test('twice: it goes on twice', async () => {
    const whole = await stream(server, RAW, raw)
    const moved = await killedAmid(server, RAW, raw, killAt(server, 5), killAt(server, 20))
    expect(moved.text).toBe(whole.text)
    expect(moved.completionTokens).toBe(whole.completionTokens)
    expect(moved.continued).toHaveLength(2)
    expect(movesTold(moved)).toHaveLength(2)
  })

  test('an answer that is not streamed says so in its header and fields', async () => {
    const body = { model: CHAT, temperature: 0, ...raw }
    const whole = (await (await post(server, RAW, body)).json()) as Whole
    let response: Response
    let moved: Whole
    let tries = 0
    do {
      tries += 1
      const pid = await chatWorker(server)
      const answering = post(server, RAW, body)
      await until(() => isAnswering(server), 'its beginning')
      // it may have no word yet, or all of them: then it is asked for anew
      await new Promise((resolve) => setTimeout(resolve, 50 * tries))
      await killAtWork([pid], () => isAnswering(server))
      response = await answering
      moved = (await response.json()) as Whole
      expect(moved.choices).toEqual(whole.choices)
    } while (moved.tandem.continued === undefined && tries < 10)
    expect(moved.usage.completion_tokens).toBe(whole.usage.completion_tokens)
    expect(response.headers.get('x-tandem-fallback')).toMatch(/llama\.cpp on cpu broke off after \d+ tokens/)
    expect(moved.tandem.continued).toHaveLength(1)
    expect(moved.usage.tandem?.continued).toEqual(moved.tandem.continued)
  })
})

interface Whole {
  readonly choices: unknown
  readonly usage: { readonly completion_tokens: number; readonly tandem?: { readonly continued: unknown } }
  readonly tandem: { readonly continued?: readonly unknown[] }
}

describe('the only chat worker is killed and cannot come back', () => {
  let folder: string
  let server: TestServer
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-gone-'))
    const name = 'tandem-tiny-chat-Q8_0.gguf'
    await copyFile(join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat', name), join(folder, 'mine.gguf'))
    server = await startTestServer({ config: { models: { chat: join(folder, 'mine.gguf') } } })
  })
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('the official client gets the text so far, the finish reason and the error', async () => {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 })
    const [model] = (await client.models.list()).data.filter(({ id }) => id.includes('mine'))
    const body = { model: model!.id, ...raw, temperature: 0 }
    const whole = (await client.completions.create(body)).choices[0]!.text
    let text = ''
    let finish: string | null = null
    async function read(): Promise<void> {
      const pid = await chatWorker(server)
      const file = join(folder, 'mine.gguf')
      const away = join(folder, 'away')
      text = ''
      for await (const { choices } of await client.completions.create({ ...body, stream: true })) {
        if (text === '') {
          await rename(file, away)
          if (!(await killAtWork([pid], () => isAnswering(server)))) {
            await rename(away, file) // it was whole already
            return read()
          }
        }
        text += choices[0]?.text ?? ''
        finish = choices[0]?.finish_reason ?? finish
      }
    }
    const reading = read()
    await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError)
    await expect(reading).rejects.toMatchObject({
      code: 'model_file_bad',
      type: 'server_error',
      error: { message: expect.stringContaining('mine.gguf') },
    })
    expect(text).not.toBe('')
    expect(whole.startsWith(text)).toBe(true)
    expect(text.length).toBeLessThan(whole.length)
    expect(finish).toBe('error')
  })
})

describeVulkan('the chat worker on a GPU is killed', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({
      config: { placement: { chat: 'llama.cpp@Vulkan0' }, chat: { slots: 1 } },
    })
    await chatWorker(server, 'Vulkan0')
    await chatWorker(server, 'cpu')
  })
  afterAll(() => server?.stop())

  test('[failure-domains] the CPU goes on with the same text', async () => {
    const body = { prompt: 'export function add(a: number, b: number', max_tokens: 24 }
    const whole = await stream(server, RAW, body)
    expect(whole.continued).toBeUndefined()
    const moved = await killedAmid(server, RAW, body, killAt(server, 6, 'Vulkan0'))
    expect(moved.text).toBe(whole.text)
    expect(moved.completionTokens).toBe(24)
    expectTold(moved, 'llama.cpp on Vulkan0', 'llama.cpp on cpu')
  })
})
