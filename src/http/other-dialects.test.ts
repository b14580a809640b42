/** What every dialect beside OpenAI's chat shares with it, each in its own form. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import { TandemError } from '../domain/index.ts'
import { chatResult, type DoubleServer, SERVED, startDouble } from './testing/doubles.ts'

let server: DoubleServer
beforeEach(async () => {
  server = await startDouble()
})
afterEach(() => server.http.close(0))

const DIALECTS = [
  {
    name: 'Anthropic Messages',
    path: '/v1/messages',
    body: { model: 'tiny-chat', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
    error: (type: string) => ({ type: 'error', error: { type } }),
    failed: { type: 'error', error: { type: 'api_error', code: 'worker_lost' } },
    last: 'message_stop',
    tandem: (events: Event[]) => events.at(-2)!.tandem,
    text: (event: Event) => (event.type === 'content_block_delta' ? event.delta.text : ''),
  },
  {
    name: 'OpenAI Responses',
    path: '/v1/responses',
    body: { model: 'tiny-chat', input: 'hi' },
    error: () => ({ error: { param: 'x-tandem-priority', code: 'invalid_request' } }),
    failed: { type: 'response.failed', response: { status: 'failed', error: { code: 'worker_lost' } } },
    last: 'response.completed',
    tandem: (events: Event[]) => events.at(-1)!.response.tandem,
    text: (event: Event) => (event.type === 'response.output_text.delta' ? event.delta : ''),
  },
]

/** Read as a client does: the dialect decides what is inside. */
// biome-ignore lint/suspicious/noExplicitAny: events of two dialects
type Event = Record<string, any>

function eventsOf(text: string): Event[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as Event)
}

describe.each(DIALECTS)('$name', ({ path, body, error, failed, last, tandem, text }) => {
  const stream = async (fields: object = {}) =>
    (await server.post(path, { ...body, stream: true, ...fields })).text()

  test('[no-silent-fallback] says who served it, whole and streamed', async () => {
    server.serving.served = { ...SERVED, simulated: true, fallback: 'gpu0 lost' }
    for (const streamed of [false, true]) {
      const response = await server.post(path, { ...body, stream: streamed })
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'x-tandem-device': 'cpu',
        'x-tandem-engine': 'llama.cpp',
        'x-tandem-fallback': 'gpu0 lost',
        'x-tandem-simulated': 'true',
      })
      await response.text()
    }
  })

  test('a stream has the text in pieces and ends as it should', async () => {
    const events = eventsOf(await stream())
    expect(events.map(text).filter((piece) => piece !== '')).toEqual(['Hel', 'lo'])
    expect(events.at(-1)!.type).toBe(last)
  })

  test('[failure-domains] a stream that fails after some text says so in an event', async () => {
    server.serving.script = async (_, __, onDelta) => {
      onDelta({ type: 'text', text: 'Hal' })
      throw new TandemError('WORKER_LOST', { worker: 'chat', why: 'killed' })
    }
    const events = eventsOf(await stream())
    expect(events.map(text).join('')).toBe('Hal')
    expect(events.at(-1)).toMatchObject(failed)
    expect(events.map(({ type }) => type)).not.toContain(last)
  })

  test('[failure-domains] a stream that goes on elsewhere says so where it did, and at its end', async () => {
    const move = { from: 'llama.cpp on gpu0', to: 'llama.cpp on cpu', why: 'lost', atToken: 1 }
    server.serving.script = async (_, { onMoved }, onDelta) => {
      onDelta({ type: 'text', text: 'Hal' })
      onMoved?.({ ...SERVED, fallback: 'llama.cpp on gpu0 broke off' }, move)
      onDelta({ type: 'text', text: 'lo' })
      return chatResult({ text: 'Hallo', continued: [move] })
    }
    const all = await stream()
    const at = all.indexOf(': tandem-fallback llama.cpp on gpu0 broke off')
    expect(eventsOf(all.slice(0, at)).map(text).join('')).toBe('Hal')
    const rest = eventsOf(all.slice(at))
    expect(rest.map(text).join('')).toBe('lo')
    expect(tandem(rest).continued).toEqual([move])
  })

  test('a stream that waits says so in a comment, and fails in an event from then on', async () => {
    const waiting = await startDouble({}, { timing: { keepAliveMs: 10 } })
    let fail: (why: TandemError) => void = () => {}
    waiting.serving.queue = ({ onQueued }) => {
      onQueued?.(() => ({ position: 1, expected: SERVED, state: 'starting' }))
      return new Promise((_, reject) => {
        fail = reject
      })
    }
    const response = await waiting.post(path, { ...body, stream: true }) // its head goes out with the comment
    fail(new TandemError('WORKER_LOST', { worker: 'chat', why: 'killed' }))
    const all = await response.text()
    expect(all).toMatch(/^: loading tiny-chat on cpu, position 1\n\n/)
    expect(eventsOf(all)).toMatchObject([failed])
    await waiting.http.close(0)
  })

  test('a stream that fails before its first text is an HTTP error', async () => {
    server.serving.script = async () => {
      throw new TandemError('QUEUE_FULL', { device: 'cpu', waiting: 9 })
    }
    const response = await server.post(path, { ...body, stream: true })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ error: { type: 'rate_limit_error' } })
  })

  test('a wrong priority is refused in the form of the dialect', async () => {
    const response = await server.post(path, body, { 'x-tandem-priority': 'high' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject(error('invalid_request_error'))
  })

  test.each([
    [{ model: 'tiny-chat@demo' }, 200],
    [{ tandem: { project: 'demo' } }, 200],
    [{ model: 'tiny-chat@demo', tandem: { project: 'other' } }, 400],
    [{ tandem: { project: 'other' } }, 404],
  ] as [{ model?: string; tandem?: object }, number][])('retrieval by %j', async (fields, status) => {
    const citation = { path: 'q.ts', startLine: 3, endLine: 9, score: 0.7 }
    server.projects.found = {
      project: 'demo',
      passages: [{ ...citation, language: 'ts', text: 'queue' }],
      systemMessage: 'PASSAGES',
    }
    const response = await server.post(path, { ...body, ...fields })
    expect(response.status).toBe(status)
    if (status !== 200) return
    expect(await response.json()).toMatchObject({
      model: fields.model ?? 'tiny-chat',
      tandem: { citations: [citation] },
    })
    expect(server.serving.chats[0]).toMatchObject({ messages: [{ role: 'system', content: 'PASSAGES' }, {}] })
    expect(tandem(eventsOf(await stream(fields))).citations).toEqual([citation])
  })

  test('the manifest fills in what the request leaves open', async () => {
    await server.post(path, { ...body, top_p: 0.5 })
    expect(server.serving.chats[0]!.sampling).toMatchObject({ temperature: 0, topP: 0.5 })
  })

  test('a refusal of retrieval is an answer without a model', async () => {
    const response = await server.post(path, { ...body, model: 'tiny-chat@demo' })
    expect(response.headers.get('x-tandem-refusal')).toBe('true')
    expect(await response.text()).toContain('Nothing matches.')
    expect(server.serving.chats).toHaveLength(0)
  })
})

describe('errors on the routes of Anthropic Messages have its form', () => {
  const hello = DIALECTS[0]!.body
  test.each([
    ['another method', 'GET', '/v1/messages', 405, 'invalid_request_error'],
    ['a route that is not there', 'POST', '/v1/messages/batches', 404, 'not_found_error'],
    ['with a query', 'GET', '/v1/messages?beta=true', 405, 'invalid_request_error'],
  ])('%s', async (_, method, path, status, type) => {
    const response = await fetch(server.url + path, { method })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ type: 'error', error: { type } })
  })

  test('a body that is no JSON, an unknown model, a foreign origin', async () => {
    const answers = [
      [await server.post('/v1/messages', '{'), 400, 'invalid_request_error'],
      [await server.post('/v1/messages', { ...hello, model: 'nope' }), 404, 'not_found_error'],
      [await server.post('/v1/messages', hello, { origin: 'http://evil.example' }), 403, 'permission_error'],
    ] as const
    for (const [response, status, type] of answers) {
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ type: 'error', error: { type } })
    }
  })

  test('a route beside them keeps the form of OpenAI', async () => {
    const response = await server.post('/v1/messagesx', {})
    expect(await response.json()).toMatchObject({ error: { param: null } })
  })

  test('the key comes as x-api-key or as a bearer token', async () => {
    const keyed = await startDouble({ apiKey: 'long-secret' })
    const status = async (headers: Record<string, string>) =>
      (await keyed.post('/v1/messages', hello, headers)).status
    expect(await status({ 'x-api-key': 'long-secret' })).toBe(200)
    expect(await status({ authorization: 'Bearer long-secret' })).toBe(200)
    const refused = await keyed.post('/v1/messages', hello, { 'x-api-key': 'other-secret' })
    expect(refused.status).toBe(401)
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } })
    await keyed.http.close(0)
  })
})

test('counts are those of the prompt', async () => {
  server.serving.promptTokens = 42
  const messages = await server.post('/v1/messages/count_tokens', {
    model: 'tiny-chat',
    messages: [{ role: 'user', content: 'hi' }],
  })
  expect(await messages.json()).toEqual({ input_tokens: 42 })
  const responses = await server.post('/v1/responses/input_tokens', { model: 'tiny-chat', input: 'hi' })
  expect(await responses.json()).toEqual({ object: 'response.input_tokens', input_tokens: 42 })
})

test('an alias answers under the name that was asked for, and is listed', async () => {
  const { http, post, url } = await startDouble(
    {},
    {
      config: Config.parse({
        server: { port: 0 },
        models: {
          aliases: {
            'claude-*': 'tiny-chat',
            'gpt-4o': 'tiny-chat',
            dead: 'gone',
            'tiny-chat': 'small-embed',
          },
        },
      }),
    },
  )
  for (const { path, body } of DIALECTS) {
    const model = 'claude-opus'
    expect(await (await post(path, { ...body, model })).json()).toMatchObject({ model })
  }
  const chat = await post('/v1/chat/completions', {
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'hi' }],
  })
  expect(await chat.json()).toMatchObject({ model: 'gpt-4o' })
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: Event[] }
  expect(data.map(({ id }) => id)).toEqual(['tiny-chat', 'small-embed', 'gpt-4o', 'tiny-chat@demo'])
  expect(data[2]).toMatchObject({ type: 'model', tandem: { aliasOf: 'tiny-chat' } })
  expect(await (await fetch(`${url}/v1/models/claude-opus@demo`)).json()).toMatchObject({
    id: 'claude-opus@demo',
    tandem: { aliasOf: 'tiny-chat', project: 'demo' },
  })
  await http.close(0)
})
