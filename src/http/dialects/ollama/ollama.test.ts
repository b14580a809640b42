/** The routes over doubles: forms of errors, streams that wait or break off, names. The real client is in test/e2e. */
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ChatRequest, TandemError } from '../../../domain/index.ts'
import type { Waiting } from '../../../scheduling/contract.ts'
import type { PullAsk } from '../../deps.ts'
import { CHAT, type DoubleServer, EMBED, neverEnds, SERVED, startDouble } from '../../testing/doubles.ts'

const hello = { model: 'tiny-chat', messages: [{ role: 'user', content: 'hi' }] }

let server: DoubleServer
beforeEach(async () => {
  server = await startDouble({ apiKey: undefined }, { timing: { keepAliveMs: 20 } })
})
afterEach(() => server.http.close(0))

const linesOf = async (response: Response) =>
  (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('a stream', () => {
  test('that waits sends spaces, which no reader of lines sees', async () => {
    let go: (value: unknown) => void = () => {}
    const waiting: Waiting = { position: 1, expected: SERVED, state: 'busy' }
    server.serving.queue = async ({ onQueued }) => {
      onQueued?.(() => waiting)
      await new Promise((resolve) => {
        go = resolve
      })
    }
    const response = await server.post('/api/chat', hello)
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    go(undefined)
    const text = await response.text()
    expect(text).toMatch(/^ +\{"model":"tiny-chat"/)
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).done),
    ).toEqual([false, false, true])
  })

  test('that fails before the first text is an HTTP error, after it a line', async () => {
    server.serving.script = async () => {
      throw new TandemError('QUEUE_FULL', { device: 'cpu', waiting: 9 })
    }
    const refused = await server.post('/api/chat', hello)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toEqual({ error: expect.stringContaining('9 waiting') })

    server.serving.script = async (_, __, onDelta) => {
      onDelta({ type: 'text', text: 'Hal' })
      throw new TandemError('WORKER_LOST', { worker: 'chat', why: 'killed' })
    }
    const lines = await linesOf(await server.post('/api/generate', { model: 'tiny-chat', prompt: 'hi' }))
    expect(lines).toEqual([
      expect.objectContaining({ response: 'Hal', done: false }),
      { error: expect.stringContaining('killed') },
    ])
  })

  test('[bounded] whose reader does not read is cancelled', async () => {
    let signal: AbortSignal | undefined
    server.serving.script = (request, context, onDelta) => {
      signal = context.signal
      return neverEnds('x'.repeat(64 * 1024), 1)(request, context, onDelta)
    }
    const body = JSON.stringify(hello)
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.pause()
    socket.write(
      `POST /api/chat HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await until(() => signal?.aborted ?? false)
    expect(signal!.reason).toMatchObject({ code: 'SLOW_READER' })
    socket.destroy()
  })
})

describe('names', () => {
  test.each([
    ['tiny-chat', undefined],
    ['tiny-chat:latest', undefined],
    ['tiny-chat@demo:latest', 'demo'],
    ['tiny-chat:latest@demo', 'demo'],
  ])('%s', async (model, project) => {
    server.projects.found = {
      project: 'demo',
      passages: [{ path: 'a', startLine: 1, endLine: 1, score: 1, language: 'ts', text: 'x' }],
      systemMessage: 'PASSAGES',
    }
    const response = await server.post('/api/chat', { ...hello, model, stream: false })
    expect(await response.json()).toMatchObject({ model, done: true })
    expect((server.serving.chats[0] as ChatRequest).model).toBe('tiny-chat')
    expect(server.projects.queries.map((query) => query.project)).toEqual(project ? [project] : [])
  })

  test('the models that are listed can be asked for, those with a project too', async () => {
    const { models } = (await (await fetch(`${server.url}/api/tags`)).json()) as {
      models: { name: string }[]
    }
    expect(models.map(({ name }) => name)).toEqual([CHAT.id, `${CHAT.id}@demo`, EMBED.id])
    for (const { name } of models) expect((await server.post('/api/show', { model: name })).status).toBe(200)
  })
})

test('options that do nothing here are told on the last line', async () => {
  const options = { repeat_penalty: 1.2, num_ctx: 512 }
  const lines = await linesOf(await server.post('/api/chat', { ...hello, options }))
  expect(lines.at(-1)).toMatchObject({ tandem: { ignored_options: ['repeat_penalty'] } })
})

test('no input is no embedding, and no error', async () => {
  for (const input of [undefined, '', []])
    expect(await (await server.post('/api/embed', { model: EMBED.id, input })).json()).toEqual({
      model: EMBED.id,
      embeddings: [],
    })
  expect(server.serving.embeds).toEqual([])
})

describe('errors are a text under `error`', () => {
  test.each([
    ['POST', '/api/chat', '{"model":', 400, 'not valid JSON'],
    ['POST', '/api/chat', '{}', 400, 'model: is required'],
    ['POST', '/api/show', '{}', 400, 'model: is required'],
    ['POST', '/api/show', '{"name":"nope"}', 404, 'no model "nope"'],
    ['POST', '/api/embed', '{"model":"small-embed","input":[1]}', 400, 'input.0: expected a string'],
    ['POST', '/api/embed', '{"model":"small-embed","input":"a","dimensions":3}', 400, 'not one of 4, 2'],
    ['POST', '/api/generate', '{"model":"tiny-chat@demo","prompt":"a","raw":true}', 400, 'leave `raw` out'],
    ['POST', '/api/create', '{}', 404, 'tandem pull'],
    ['POST', '/api/pull', '{"model":"x","stream":false}', 404, 'pulling'],
    ['GET', '/api/chat', undefined, 405, 'takes POST'],
    ['GET', '/api/nothing', undefined, 404, 'there is no route'],
  ])('%s %s %s', async (method, path, body, status, text) => {
    const response = await fetch(server.url + path, { method, ...(body === undefined ? {} : { body }) })
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.stringContaining(text) })
  })

  test('[private] of a foreign Origin too', async () => {
    const response = await server.post('/api/chat', hello, { origin: 'http://evil.example' })
    expect(response.status).toBe(403)
    expect(await response.json()).toEqual({ error: expect.stringContaining('evil.example') })
  })
})

describe('pull', () => {
  test('one at a time; a client that leaves ends it', async () => {
    const asked: PullAsk[] = []
    const pulling = await startDouble(
      {},
      {
        pull: (ask) => {
          asked.push(ask)
          return new Promise((_, reject) =>
            ask.signal.addEventListener('abort', () => reject(ask.signal.reason as Error)),
          )
        },
      },
    )
    const client = new AbortController()
    await fetch(`${pulling.url}/api/pull`, {
      method: 'POST',
      body: '{"model":"hf.co/owner/name:Q8_0"}',
      signal: client.signal,
    })
    expect(asked[0]).toMatchObject({ name: 'owner/name', file: 'Q8_0' })
    const second = await pulling.post('/api/pull', { model: 'other' })
    expect(second.status).toBe(409)
    expect(await second.json()).toEqual({ error: expect.stringContaining('owner/name is being fetched') })
    client.abort()
    await until(() => asked[0]!.signal.aborted)
    const third = new AbortController()
    const again = await fetch(`${pulling.url}/api/pull`, {
      method: 'POST',
      body: '{"name":"other"}',
      signal: third.signal,
    })
    expect(again.status).toBe(200)
    third.abort()
    await pulling.http.close(0)
  })
})
