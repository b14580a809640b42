import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ChatRequest, ProjectStatus } from '../../../domain/index.ts'
import { type DoubleServer, startDouble } from '../../testing/doubles.ts'

let server: DoubleServer
beforeEach(async () => {
  server = await startDouble({ maxInputs: 3 })
})
afterEach(() => server.http.close(0))

describe('/embed', () => {
  test.each([
    ['one text', 'a', 1],
    ['a list', ['a', 'b'], 2],
  ])('%s gives plain arrays and who made them', async (_, text, count) => {
    const response = await server.post('/embed', { text })
    const vectors = (await response.json()) as number[][]
    expect(vectors).toHaveLength(count)
    expect(vectors[0]!.map((each) => each * 13)).toEqual([3, 4, 0, 12].map((n) => expect.closeTo(n, 4)))
    expect(response.headers.get('x-tandem-device')).toBe('cpu')
    expect(server.serving.embeds[0]!.request).toMatchObject({ model: 'small-embed', purpose: 'query' })
  })

  test.each([
    [{}, 400, 'text'],
    [{ text: [] }, 400, 'text'],
    [{ text: ['a', 7] }, 400, 'text.1'],
    [{ text: ['a', 'b', 'c', 'd'] }, 413, 'text'],
  ])('%j gets %i', async (body, status, param) => {
    const response = await server.post('/embed', body)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { param } })
  })
})

describe('context', () => {
  const messages = [{ role: 'user', content: 'where is the queue?' }]
  const chat = (fields: object) => server.post('/v1/chat/completions', { messages, ...fields })
  const citation = { path: 'q.ts', startLine: 3, endLine: 9, score: 0.7 }

  test.each([
    ['what /embed returned, and no model', { context: [[0, 3, 0, 4]] }],
    ['one flat vector', { model: 'tiny-chat', context: [0, 6, 0, 8] }],
    ['a project by its field', { model: 'tiny-chat', context: [[0, 3, 0, 4]], tandem: { project: 'demo' } }],
    ['a project by name', { model: 'tiny-chat@demo', context: [[0, 3, 0, 4]] }],
  ])('%s: retrieval goes by it', async (_, fields) => {
    server.projects.found = {
      project: 'demo',
      passages: [{ ...citation, language: 'ts', text: 'queue' }],
      systemMessage: 'PASSAGES',
    }
    const answer = await (await chat(fields)).json()
    expect(answer).toMatchObject({ tandem: { citations: [citation] } })
    const [query] = server.projects.queries
    expect(query).toMatchObject({ project: 'demo', query: 'where is the queue?' })
    expect([...query!.vector!]).toEqual([0, 0.6, 0, 0.8].map((n) => expect.closeTo(n, 6)))
    const { messages: asked } = server.serving.chats[0] as ChatRequest
    expect(asked).toEqual([{ role: 'system', content: 'PASSAGES' }, ...messages])
    expect(server.serving.embeds).toEqual([])
  })

  test.each([
    ['a text', 'hello', 'context', 'expected what /embed returns'],
    ['nothing', [], 'context', 'expected what /embed returns'],
    ['two vectors', [[1], [2]], 'context', 'holds 2 vectors'],
    ['other dimensions', [[1, 2, 3]], 'context.0', "has 3 dimensions; the index's vectors have 4"],
    ['no number', [1, 2, '3', 4], 'context.2', 'expected a finite number'],
    ['infinity', [[1, 2, 3, Number.POSITIVE_INFINITY]], 'context.0.3', 'expected a finite number'],
    ['zeros', [0, 0, 0, 0], 'context', 'only zeros'],
    ['too large', [1.7e308, 1.7e308, 0, 0], 'context', 'too large'],
  ])('%s is refused by name', async (_, context, param, what) => {
    const response = await chat({ model: 'tiny-chat', context })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { param, message: expect.stringContaining(what) },
    })
    expect(server.projects.queries).toEqual([])
  })

  test('several projects and none named: they are listed', async () => {
    server.projects.list = () => ['demo', 'other'].map((name) => ({ name }) as ProjectStatus)
    const response = await chat({ context: [1, 2, 3, 4] })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { code: 'project_ambiguous', message: expect.stringContaining('demo, other') },
    })
  })

  test('without it a model must be named', async () => {
    const response = await chat({})
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'model' } })
  })
})
