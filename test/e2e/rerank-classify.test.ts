/** Reranking and classification by the real server, with models of a few thousand weights. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import reference from '../data/reference-scores.json' with { type: 'json' }
import { isRunning } from '../processes.ts'
import { embed, pidOf, post, requestsOf, statusOf, until } from '../support/api.ts'
import { whileFrozen } from '../support/at-work.ts'
import { startTestServer, TEST_MODELS, type TestServer } from '../support/server.ts'

const MANY = Array.from({ length: 2000 }, (_, at) => `request ${at} ${'of the queue '.repeat(40)}`)

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { models: { folders: [TEST_MODELS] } } })
})
afterAll(() => server?.stop())

interface Ranking {
  readonly results: { index: number; relevance_score: number; document: { text: string } }[]
}

async function rank(query: string, documents: readonly string[], fields: object = {}, headers = {}) {
  const response = await post(server, '/v1/rerank', { query, documents, ...fields }, headers)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} ${text}`)
  return { headers: response.headers, body: JSON.parse(text) as Ranking }
}

const expected = (logit: number) => 1 / (1 + Math.exp(-logit))

test('[no-silent-fallback] documents are ranked as the reference ranks them, and the answer says by whom', async () => {
  for (const query of new Set(reference.rerank.map((each) => each.query))) {
    const entries = reference.rerank.filter((each) => each.query === query)
    const { headers, body } = await rank(
      query,
      entries.map(({ text }) => text),
      { model: 'tiny-reranker', return_documents: true },
    )
    expect(headers.get('x-tandem-engine')).toMatch(/^(onnxruntime|openvino)$/)
    expect(headers.get('x-tandem-device')).toBe('cpu')
    const order = [...entries.keys()].sort((a, b) => entries[b]!.logits[0]! - entries[a]!.logits[0]!)
    expect(body.results.map(({ index }) => index)).toEqual(order)
    for (const { index, relevance_score, document } of body.results) {
      expect(document.text).toBe(entries[index]!.text)
      expect(Math.abs(relevance_score - expected(entries[index]!.logits[0]!))).toBeLessThan(0.02)
    }
  }
})

test('texts get the labels that the reference gives them', async () => {
  const input = reference.classify.slice(0, 3).map(({ text }) => text)
  const response = await post(server, '/tandem/v1/classify', { input, top_k: 1 })
  expect(await response.json()).toMatchObject({
    model: 'tiny-classifier',
    results: ['bug', 'feature', 'question'].map((label, index) => ({ index, labels: [{ label }] })),
  })
})

test('[interactive-first] a person who comes last is answered before many documents that came first', async () => {
  const ended: string[] = []
  const answers = await whileFrozen(await pidOf(server, 'rerank'), async () => {
    const many = rank('queue', MANY).then(() => ended.push('many'))
    await until(async () => (await requestsOf(server, 'rerank', 'bulk')) > 0, 'the many wait')
    const person = rank('cat', ['a cat', 'a queue']).then(({ body }) =>
      ended.push(`person ${body.results[0]?.index}`),
    )
    await until(async () => (await requestsOf(server, 'rerank', 'interactive')) > 0, 'the person waits')
    return [many, person]
  })
  await Promise.all(answers)
  expect(ended).toEqual(['person 0', 'many'])
})

test('[failure-domains] the reranker dies: requests are tried again, embeddings go on', async () => {
  const [reranker, encoder] = [await pidOf(server, 'rerank'), await pidOf(server, 'embed')]
  const isAtWork = async () =>
    (await statusOf(server)).workers.some(({ task, running }) => task === 'rerank' && running > 0)
  const pending = await whileFrozen(reranker, async () => {
    const asked = rank('queue', MANY)
    await until(isAtWork, 'the reranker works')
    process.kill(reranker, 'SIGKILL')
    return [asked]
  })
  expect((await embed(server, 'meanwhile')).status).toBe(200)
  expect((await pending[0]!).body.results).toHaveLength(MANY.length)
  expect((await statusOf(server)).workers.find(({ task }) => task === 'rerank')!.pid).not.toBe(reranker)
  expect(isRunning(encoder)).toBe(true)
})

test('plan, models and status name both tasks', async () => {
  const get = async (path: string) => JSON.stringify(await (await fetch(server.url + path)).json())
  for (const path of ['/tandem/v1/plan', '/v1/models', '/tandem/v1/status']) {
    const text = await get(path)
    expect(text).toContain('tiny-reranker')
    expect(text).toContain('tiny-classifier')
  }
})
