import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ChatRequest, TandemError } from '../domain/index.ts'
import { passageBudget, withSystem } from './retrieval-in-chat.ts'
import { CHAT, type DoubleServer, EMBED, startDouble } from './testing/doubles.ts'
import { readEvents } from './testing/sse.ts'

describe('budget', () => {
  test.each([
    [2048, 40, undefined, CHAT.chat, 1724], // window - prompt - 220 - 64
    [8192, 40, undefined, CHAT.chat, 1780], // what the model was trained on
    [8192, 40, 1000, undefined, 6000],
    [2048, 40, 100_000, undefined, 1432], // a reply reserves a quarter at most
    [2048, 2000, undefined, CHAT.chat, 0],
  ])('window %i, prompt %i, reply %s', (window, prompt, reply, traits, budget) => {
    expect(passageBudget(window, prompt, reply, traits)).toBe(budget)
  })
})

test("the client's own system message comes first in the one system message", () => {
  expect(
    withSystem(
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
        { role: 'system', content: 'Really.' },
      ],
      'PASSAGES',
    ),
  ).toEqual([
    { role: 'system', content: 'Be brief.\n\nReally.\n\nPASSAGES' },
    { role: 'user', content: 'hi' },
  ])
})

describe('in a chat', () => {
  let server: DoubleServer
  beforeEach(async () => {
    server = await startDouble(
      {},
      { models: () => [CHAT, EMBED, { ...CHAT, id: 'big', chat: { groundedOnly: false } }] },
    )
  })
  afterEach(() => server.http.close(0))

  const messages = [
    { role: 'user', content: 'earlier' },
    { role: 'assistant', content: 'yes' },
    { role: 'user', content: 'where is the queue?' },
  ]
  const citation = { path: 'q.ts', startLine: 3, endLine: 9, score: 0.7 }
  const found = () => {
    server.projects.found = {
      project: 'demo',
      passages: [{ ...citation, language: 'ts', text: 'queue' }],
      systemMessage: 'PASSAGES',
    }
  }
  const chat = (fields: object) =>
    server.post('/v1/chat/completions', { model: 'tiny-chat', messages, ...fields })

  test.each([[{ tandem: { project: 'demo' } }], [{ model: 'tiny-chat@demo' }]])(
    '%j cites',
    async (fields) => {
      found()
      const answer = await (await chat(fields)).json()
      expect(answer).toMatchObject({ tandem: { citations: [citation] } })
      expect(server.projects.queries[0]).toMatchObject({
        query: 'where is the queue?',
        project: 'demo',
        maxPassages: 6,
        priority: 'interactive',
      })
      const asked = server.serving.chats[0] as ChatRequest
      expect(asked.model).toBe('tiny-chat')
      expect(asked.messages[0]).toEqual({ role: 'system', content: 'PASSAGES' })
      expect(asked.messages.slice(1)).toEqual(messages)
      expect(asked.sampling).toMatchObject({ temperature: 0, maxTokens: 220 })
    },
  )

  test('a stream has the citations on its last chunk', async () => {
    found()
    for (const include_usage of [true, false]) {
      const response = await chat({
        model: 'tiny-chat@demo',
        stream: true,
        stream_options: { include_usage },
      })
      const events = await readEvents(response)
      expect(events.at(-1)).toBe('[DONE]')
      expect(events.at(-2)).toMatchObject({ tandem: { citations: [citation] } })
    }
  })

  test('no good passage: a model that needs them is not asked', async () => {
    for (const stream of [false, true]) {
      const response = await chat({ model: 'tiny-chat@demo', stream })
      expect(response.status).toBe(200)
      expect(response.headers.get('x-tandem-refusal')).toBe('true')
      expect(response.headers.get('x-tandem-engine')).toBeNull()
      expect(await response.text()).toContain('"content":"Nothing matches."')
    }
    expect(server.serving.chats).toEqual([])
  })

  test('no good passage: another model is asked without any', async () => {
    const answer = await (await chat({ model: 'big@demo' })).json()
    expect(answer).toMatchObject({ tandem: { citations: [] } })
    expect((server.serving.chats[0] as ChatRequest).messages).toEqual(messages)
  })

  test('a prompt that fills the window is refused before it is searched for', async () => {
    server.serving.promptTokens = 2048
    const response = await chat({ model: 'tiny-chat@demo' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'context_length_exceeded' } })
    expect(server.projects.queries).toEqual([])
  })

  describe('that takes its time to search', () => {
    const question = 'where is the queue?'
    const ofUser = [{ role: 'user', content: question }]
    const DIALECTS = [
      ['/v1/chat/completions', { messages: ofUser }, ': searching the project demo\n\n'],
      ['/v1/messages', { messages: ofUser, max_tokens: 50 }, ': searching the project demo\n\n'],
      ['/v1/responses', { input: question }, ': searching the project demo\n\n'],
      ['/api/chat', { messages: ofUser }, ' '],
      ['/api/generate', { prompt: question }, ' '],
    ] as const
    let searched: (error?: TandemError) => void = () => {}

    beforeEach(async () => {
      await server.http.close(0)
      server = await startDouble({}, { models: () => [CHAT, EMBED], timing: { keepAliveMs: 10 } })
      found()
      server.projects.searching = () =>
        new Promise((resolve, reject) => {
          searched = (error) => (error ? reject(error) : resolve())
        })
    })

    /** @returns what the stream said before the search has ended, and after it */
    async function streamed(path: string, body: object, error?: TandemError) {
      const response = await server.post(path, { model: 'tiny-chat@demo', stream: true, ...body })
      let before = ''
      let after = ''
      for await (const bytes of response.body!) {
        const text = Buffer.from(bytes as Uint8Array).toString()
        if (server.serving.chats.length > 0 || after !== '') after += text
        else {
          before += text
          searched(error)
          if (error) after += ' '
        }
      }
      return { response, before, after: after.trim() }
    }

    test.each(DIALECTS)(
      '%s says that it lives, and then answers with citations',
      async (path, body, said) => {
        const { response, before, after } = await streamed(path, body)
        expect(before.startsWith(said)).toBe(true)
        expect(response.status).toBe(200)
        expect(response.headers.get('x-tandem-device')).toBe('cpu')
        expect(after).toContain('Hel')
        expect(after).toContain('"citations":[{"path":"q.ts"')
      },
    )

    test.each(DIALECTS)("%s ends with its dialect's error where the search fails", async (path, body) => {
      const error = new TandemError('ENGINE_FAILED', { engine: 'onnxruntime', why: 'device lost' })
      const { response, after } = await streamed(path, body, error)
      expect(response.status).toBe(200)
      expect(after.split('\n\n').at(-1)).toMatch(/error.*device lost/)
      expect(server.serving.chats).toEqual([])
    })

    test('names who serves where nobody was expected', async () => {
      server.serving.expected = () => undefined
      const { response, after } = await streamed('/v1/chat/completions', { messages: ofUser })
      expect(response.headers.get('x-tandem-device')).toBeNull()
      expect(after).toContain(': served by llama.cpp on cpu\n\n')
      expect(after).toContain('"served_by":{"model":"tiny-chat"')
    })

    test('a failure before anything was said is an HTTP error', async () => {
      server.projects.searching = async () => {
        throw new TandemError('QUEUE_FULL', { device: 'cpu', waiting: 9 })
      }
      for (const [path, body] of DIALECTS)
        expect((await server.post(path, { model: 'tiny-chat@demo', stream: true, ...body })).status).toBe(429)
    })

    test('and finds nothing refuses in the body too: the head is out', async () => {
      server.projects.found = {
        project: 'demo',
        passages: [],
        systemMessage: '',
        refusal: 'Nothing matches.',
      }
      const { response, before } = await streamed('/v1/chat/completions', { messages: ofUser })
      expect(response.headers.get('x-tandem-refusal')).toBeNull()
      expect(before).toContain('Nothing matches.')
      expect(before).toContain('"refusal":true')
    })
  })

  test.each([
    [{ model: 'tiny-chat@nope' }, 404, 'project_not_found'],
    [{ tandem: { project: 'nope' } }, 404, 'project_not_found'],
    [{ model: 'tiny-chat@demo', tandem: { project: 'other' } }, 400, 'invalid_request'],
    [{ model: 'tiny-chat@demo', messages: [{ role: 'system', content: 'x' }] }, 400, 'invalid_request'],
    [{ model: 'small-embed@demo' }, 400, 'invalid_request'],
  ])('%j gets %i', async (fields, status, code) => {
    const response = await chat(fields)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })
})
