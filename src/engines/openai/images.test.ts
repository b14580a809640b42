/** A llama-server with a part for images, stood in for: its own route for raw text takes none. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeModelServer, saying, startFakeModelServer } from '../../../test/fakes/model-servers.ts'
import { PNG_URL, png } from '../../../test/support/pictures.ts'
import type { ChatMessage, Model } from '../../domain/index.ts'
import type { LoadedDecoder } from '../contract.ts'
import { chatOf, collect, user } from '../decoder.suite.ts'
import { engine } from './child.ts'
import { serverSettings } from './settings.ts'

// llama.cpp tools/server/README.md: "GET /props", "POST /apply-template", "POST /tokenize", "POST /completion"
const seeing = (vision: boolean) => ({
  '/health': { status: 'ok' },
  '/v1/models': { data: [{ id: 'seeing.gguf', object: 'model', owned_by: 'llamacpp' }] },
  '/props': {
    total_slots: 1,
    chat_template: '{{ messages }}',
    modalities: { vision },
    default_generation_settings: { n_ctx: 4096 },
  },
  'POST /apply-template': { prompt: 'What is this?' },
  'POST /tokenize': { tokens: [1, 2, 3] },
  'POST /completion': `data: ${JSON.stringify({ content: 'Text.', stop: true, stop_type: 'eos', tokens: [4] })}\n\n`,
  'POST /v1/chat/completions': saying('A dot.'),
})

const model: Model = {
  id: 'seeing',
  title: 'reads images',
  revision: '1',
  license: 'MIT',
  tasks: ['chat'],
  parameters: 1,
  contextTokens: 4096,
  files: { remote: [] },
  chat: { groundedOnly: false, images: 'yes' },
  folder: '/nowhere',
  fingerprint: 'test',
}

async function load({ url }: FakeModelServer): Promise<LoadedDecoder> {
  const settings = serverSettings({ name: 'peer', kind: 'llama-server', url, local: true }, 'seeing.gguf')
  return (await engine.load({
    model,
    task: 'chat',
    device: 'peer',
    threads: 1,
    slots: 1,
    settings,
  })) as LoadedDecoder
}

const asked: ChatMessage = { role: 'user', content: 'What is this?', images: [{ at: 0, source: png }] }

let peer: FakeModelServer
let decoder: LoadedDecoder
beforeAll(async () => {
  peer = await startFakeModelServer(seeing(true))
  decoder = await load(peer)
})
afterAll(async () => {
  await decoder?.dispose()
  await peer?.stop()
})

test('a chat with images goes by its OpenAI route, one of text by its own', async () => {
  expect(decoder.images).toBe(true)
  expect((await collect(decoder, chatOf([asked]))).text).toBe('A dot.')
  const [sent] = peer.asked.filter(({ path }) => path === '/v1/chat/completions')
  const content = [
    { type: 'image_url', image_url: { url: PNG_URL } },
    { type: 'text', text: 'What is this?' },
  ]
  expect(sent?.body).toMatchObject({ messages: [{ role: 'user', content }] })
  expect((await collect(decoder, chatOf([user('What is this?')]))).text).toBe('Text.')
  expect(peer.breaches).toEqual([])
})

test('what goes by its native route can go on from elsewhere: no images, no tools, and no chat where thoughts are read', async () => {
  expect(decoder.resumes).toEqual(['chat', 'text'])
  const thinking = await startFakeModelServer({
    ...seeing(true),
    '/props': { ...seeing(true)['/props'], chat_template: '{{ messages }}<think>' },
  })
  const loaded = await load(thinking)
  expect(loaded.resumes).toEqual(['text'])
  await loaded.dispose()
  await thinking.stop()
})

test('a count is exact without images, and an estimate with them; no picture is counted as text', async () => {
  expect(await decoder.countPrompt({ messages: [user('a')], tools: [] })).toEqual({
    tokens: 3,
    estimated: false,
  })
  const { tokens, estimated } = await decoder.countPrompt({ messages: [asked], tools: [] })
  expect([tokens > 500, tokens < 2000, estimated]).toEqual([true, true, true])
  const counted = peer.asked.filter(({ path }) => path === '/apply-template').at(-1)
  expect(JSON.stringify(counted?.body)).not.toContain('base64')
})

test('one that says it reads none is asked with none', async () => {
  const blind = await startFakeModelServer(seeing(false))
  const loaded = await load(blind)
  expect(loaded.images).toBe(false)
  await loaded.dispose()
  await blind.stop()
})
