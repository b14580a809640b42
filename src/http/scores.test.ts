import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CHAT, CLASSIFY, type DoubleServer, EMBED, RERANK, startDouble } from './testing/doubles.ts'

let server: DoubleServer
beforeEach(async () => {
  server = await startDouble({ maxInputs: 20 }, { models: () => [CHAT, EMBED, RERANK, CLASSIFY] })
})
afterEach(() => server.http.close(0))

const rerank = (fields: object, headers: Record<string, string> = {}) =>
  server.post('/v1/rerank', { model: RERANK.id, query: 'q', documents: ['1', '3', '2'], ...fields }, headers)
const classify = (fields: object) => server.post('/tandem/v1/classify', { input: 'a', ...fields })

interface Ranking {
  readonly results: { index: number; relevance_score: number; document?: unknown }[]
}

describe('/v1/rerank', () => {
  test('[no-silent-fallback] answers as Jina and Cohere do, best first, and says who served', async () => {
    const response = await rerank({})
    expect(response.status).toBe(200)
    expect(response.headers.get('x-tandem-device')).toBe('cpu')
    expect(await response.json()).toEqual({
      id: expect.stringMatching(/^rerank-[0-9a-f]{32}$/),
      object: 'list',
      model: RERANK.id,
      usage: { prompt_tokens: 18, total_tokens: 18 },
      results: [
        { index: 1, relevance_score: 3 },
        { index: 2, relevance_score: 2 },
        { index: 0, relevance_score: 1 },
      ],
      tandem: { truncated_documents: [] },
    })
  })

  test('top_n, documents as objects and back, the limit of a document', async () => {
    const documents = [{ text: '1', title: 'ignored' }, '3', { text: '2' }]
    const answer = (await (
      await rerank({
        documents,
        top_n: 2,
        return_documents: true,
        max_tokens_per_doc: 64,
        rank_fields: ['text'],
      })
    ).json()) as Ranking
    expect(answer.results).toEqual([
      { index: 1, relevance_score: 3, document: { text: '3' } },
      { index: 2, relevance_score: 2, document: { text: '2' } },
    ])
    expect(server.serving.reranks[0]?.request).toEqual({
      model: RERANK.id,
      query: 'q',
      documents: ['1', '3', '2'],
      maxTokensPerDocument: 64,
    })
  })

  test('equal documents keep their order, null counts as absent, more may be asked for than there is', async () => {
    const answer = await rerank({ documents: ['5', '7', '5', '5'], top_n: 99, return_documents: null })
    const { results } = (await answer.json()) as Ranking
    expect(results.map(({ index }) => index)).toEqual([1, 0, 2, 3])
    expect(results[0]).not.toHaveProperty('document')
  })

  test('more than 16 documents are bulk, unless the request says so', async () => {
    const many = Array.from({ length: 17 }, () => 'x')
    await rerank({ documents: many.slice(1) })
    await rerank({ documents: many })
    await rerank({ documents: many }, { 'x-tandem-priority': 'interactive' })
    const priorities = server.serving.reranks.map(({ context }) => context.priority)
    expect(priorities).toEqual(['interactive', 'bulk', 'interactive'])
  })

  test('without a name the reranker of the plan answers', async () => {
    expect(await (await rerank({ model: undefined })).json()).toMatchObject({ model: RERANK.id })
  })
})

describe('/tandem/v1/classify', () => {
  test('one text or several, the best label first', async () => {
    const one = await (await classify({})).json()
    expect(one).toEqual({
      model: CLASSIFY.id,
      engine: 'llama.cpp',
      device: 'cpu',
      results: [
        {
          index: 0,
          labels: [
            { label: 'feature', score: 0.625 },
            { label: 'bug', score: 0.25 },
            { label: 'question', score: 0.125 },
          ],
        },
      ],
      usage: { total_tokens: 6 },
      truncated_inputs: [],
    })
    const several = (await (await classify({ model: CLASSIFY.id, input: ['a', 'b'], top_k: 1 })).json()) as {
      results: object[]
    }
    expect(several.results).toEqual([
      { index: 0, labels: [{ label: 'feature', score: 0.625 }] },
      { index: 1, labels: [{ label: 'feature', score: 0.625 }] },
    ])
  })

  test('the labels of a classifier stand in the list of models', async () => {
    const entry = await (await fetch(`${server.url}/v1/models/${CLASSIFY.id}`)).json()
    expect(entry).toMatchObject({ tandem: { tasks: ['classify'], labels: ['bug', 'feature', 'question'] } })
  })
})

describe('no model for the task', () => {
  const errorOf = async (response: Response) => ({
    status: response.status,
    ...((await response.json()) as { error: { code: string; message: string } }).error,
  })

  test('says how to get one', async () => {
    await server.http.close(0)
    server = await startDouble()
    expect(await errorOf(await rerank({}))).toMatchObject({
      status: 404,
      code: 'no_model_for_task',
      message: expect.stringMatching(/`tandem pull bge-reranker-base`.*models\.rerank/),
    })
    expect(await errorOf(await classify({}))).toMatchObject({
      status: 404,
      message: expect.stringMatching(/`tandem pull language-detection`.*models\.classify/),
    })
  })

  test('one that was chosen but runs nowhere is another matter', async () => {
    await server.http.close(0)
    const plan = { policy: 'development', simulated: false, tasks: { rerank: [] }, rejected: [] } as const
    server = await startDouble({}, { plan: () => plan })
    expect(await errorOf(await rerank({}))).toMatchObject({
      status: 503,
      code: 'task_unserved',
      message: expect.stringContaining('`tandem plan`'),
    })
  })
})
