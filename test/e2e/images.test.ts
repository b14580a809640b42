/** Pictures through every dialect, to a server whose model reads them; the clients are the official ones. */
import Anthropic from '@anthropic-ai/sdk'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FAKE_SERVERS, type FakeModelServer, saying, startFakeModelServer } from '../fakes/model-servers.ts'
import { CHAT, engineReady, post } from '../support/api.ts'
import { CHAT_GGUF } from '../support/llama-server.ts'
import { PNG, PNG_URL } from '../support/pictures.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const SEEING = 'qwen2.5-vl-7b-instruct'
const UNTOLD = 'gpt-4o-mini'
const CHATS = 'POST /v1/chat/completions'
const picture = { type: 'image_url', image_url: { url: PNG_URL } }

let studio: FakeModelServer
let provider: FakeModelServer
let server: TestServer
let openai: OpenAI
let anthropic: Anthropic
let ollama: Ollama

beforeAll(async () => {
  studio = await startFakeModelServer({ ...FAKE_SERVERS.lmstudio, [CHATS]: saying('A dot.') })
  provider = await startFakeModelServer({ ...FAKE_SERVERS.openai, [CHATS]: saying('One dot.') })
  const servers = [
    { name: 'studio', url: studio.url },
    { name: 'provider', url: provider.url, kind: 'openai' },
  ]
  server = await startTestServer({ config: { servers } })
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 })
  anthropic = new Anthropic({ baseURL: server.url, apiKey: 'any', maxRetries: 0 })
  ollama = new Ollama({ host: server.url })
})

afterAll(async () => {
  await server?.stop()
  await Promise.all([studio?.stop(), provider?.stop()])
})

/** The last chat that a server got. */
const last = ({ asked }: FakeModelServer) => asked.at(-1)?.body as { model: string; messages: unknown[] }

const DIALECTS: [string, () => Promise<string | null | undefined>][] = [
  [
    'OpenAI chat',
    async () => {
      const content = [
        { type: 'text' as const, text: 'What is this?' },
        { type: 'image_url' as const, image_url: { url: PNG_URL } },
      ]
      const answer = await openai.chat.completions.create({
        model: SEEING,
        messages: [{ role: 'user', content }],
      })
      return answer.choices[0]?.message.content
    },
  ],
  [
    'OpenAI Responses',
    async () => {
      const content = [
        { type: 'input_text' as const, text: 'What is this?' },
        { type: 'input_image' as const, image_url: PNG_URL, detail: 'auto' as const },
      ]
      const answer = await openai.responses.create({ model: SEEING, input: [{ role: 'user', content }] })
      return answer.output_text
    },
  ],
  [
    'Anthropic Messages',
    async () => {
      const source = { type: 'base64', media_type: 'image/png', data: PNG } as const
      const content = [
        { type: 'text' as const, text: 'What is this?' },
        { type: 'image' as const, source },
      ]
      const answer = await anthropic.messages.create({
        model: SEEING,
        max_tokens: 9,
        messages: [{ role: 'user', content }],
      })
      const [block] = answer.content
      return block?.type === 'text' ? block.text : undefined
    },
  ],
  [
    "Ollama's chat",
    async () => {
      const messages = [{ role: 'user', content: 'What is this?', images: [PNG] }]
      return (await ollama.chat({ model: SEEING, messages })).message.content
    },
  ],
  [
    "Ollama's generate",
    async () => (await ollama.generate({ model: SEEING, prompt: 'What is this?', images: [PNG] })).response,
  ],
]

test.each(DIALECTS)('%s hands them on as they are', async (name, ask) => {
  expect(await ask()).toBe('A dot.')
  const { model, messages } = last(studio)
  const [message] = messages as { role: string; content: { type: string; image_url?: { url: string } }[] }[]
  expect(model).toBe(SEEING)
  expect(message?.content).toHaveLength(2)
  const at = name.startsWith('Ollama') ? 0 : 1
  expect(message?.content[at]?.image_url?.url).toBe(PNG_URL)
  expect(message?.content[1 - at]).toEqual({ type: 'text', text: 'What is this?' })
})

test('a model of text refuses them, and names the one that reads them', async () => {
  const asked = openai.chat.completions.create({
    model: CHAT,
    messages: [{ role: 'user', content: [picture as never] }],
  })
  await expect(asked).rejects.toMatchObject({
    status: 400,
    code: 'images_unsupported',
    message: expect.stringContaining(`these here read images: ${SEEING}`),
  })
})

test('a server that does not tell is asked, but nothing is fetched from an address', async () => {
  const asked = { model: UNTOLD, messages: [{ role: 'user', content: [picture] }] }
  expect((await post(server, '/v1/chat/completions', asked)).status).toBe(200)
  expect(last(provider).messages).toEqual([{ role: 'user', content: [picture] }])
  const remote = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }
  const refused = await post(server, '/v1/chat/completions', {
    ...asked,
    messages: [{ role: 'user', content: [remote] }],
  })
  expect(refused.status).toBe(400)
  expect(await refused.text()).toContain('nothing is fetched here')
})

test('what is told of the models', async () => {
  const { data } = await openai.models.list()
  const told = data.map((model) => [model.id, (model as { tandem?: { images?: boolean } }).tandem?.images])
  expect(Object.fromEntries(told)).toMatchObject({ [SEEING]: true, [CHAT]: false, [UNTOLD]: undefined })
  expect((await ollama.show({ model: SEEING })).capabilities).toContain('vision')
  expect((await ollama.show({ model: CHAT })).capabilities).not.toContain('vision')
})

test('a count with a picture says that it is an estimate', async () => {
  const source = { type: 'base64', media_type: 'image/png', data: PNG } as const
  const messages = [{ role: 'user' as const, content: [{ type: 'image' as const, source }] }]
  const count = await anthropic.messages.countTokens({ model: SEEING, messages })
  expect(count.input_tokens).toBeGreaterThan(500)
  expect(count.input_tokens).toBeLessThan(2000)
  expect(count).toMatchObject({ tandem: { estimated: true } })
})

test('a llama-server that has the shipped file open, with a part for images, gets the chats with images', async () => {
  const peer = await startFakeModelServer({
    '/health': { status: 'ok' },
    '/v1/models': { data: [{ id: 'same.gguf', object: 'model', owned_by: 'llamacpp' }] },
    '/props': {
      total_slots: 2,
      model_path: CHAT_GGUF,
      modalities: { vision: true },
      default_generation_settings: { n_ctx: 2048 },
    },
    'POST /apply-template': { prompt: 'Hi' },
    'POST /completion': `data: ${JSON.stringify({ content: 'Hi.', stop: true, stop_type: 'eos' })}\n\n`,
    [CHATS]: saying('A dot.'),
  })
  const merged = await startTestServer({
    config: {
      servers: [{ name: 'peer', url: peer.url }],
      // the embedded engine, which reads text only, is asked first
      placement: { chat: 'llama.cpp@cpu' },
    },
  })
  try {
    await engineReady(merged, 'llama.cpp', 'chat')
    const asked = { model: CHAT, messages: [{ role: 'user', content: [picture] }] }
    const response = await post(merged, '/v1/chat/completions', asked)
    expect([response.status, response.headers.get('x-tandem-device')]).toEqual([200, 'server:peer'])
    expect(last(peer).messages).toEqual([{ role: 'user', content: [picture] }])
    const text = await post(merged, '/v1/chat/completions', {
      ...asked,
      messages: [{ role: 'user', content: 'Hi' }],
    })
    expect(text.headers.get('x-tandem-engine')).toBe('llama.cpp')
  } finally {
    await merged.stop()
    await peer.stop()
  }
})
