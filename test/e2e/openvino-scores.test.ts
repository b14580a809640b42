/** Rerankers and classifiers on openvino, through the server: the scores of onnxruntime. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import reference from '../data/reference-scores.json' with { type: 'json' }
import { engineReady, post } from '../support/api.ts'
import { describeOpenVino, openVinoFolder } from '../support/openvino.ts'
import { startTestServer, TEST_MODELS, type TestServer } from '../support/server.ts'

const NEAR = 1e-2
const models = { folders: [TEST_MODELS] }

interface Scored {
  readonly engine: string | null
  readonly device: string | null
  readonly fallback: string | null
  readonly scores: number[]
}

/** @param read the scores of the answer in the order of what was sent */
async function ask(
  server: TestServer,
  path: string,
  body: object,
  read: (answer: unknown) => number[],
): Promise<Scored> {
  // bulk is not sent to a second worker because the first one is slow
  const response = await post(server, path, body, { 'x-tandem-priority': 'bulk' })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const header = (name: string) => response.headers.get(`x-tandem-${name}`)
  return {
    engine: header('engine'),
    device: header('device'),
    fallback: header('fallback'),
    scores: read(await response.json()),
  }
}

const rerank = (server: TestServer, query: string, documents: readonly string[]) =>
  ask(server, '/v1/rerank', { query, documents }, (answer) => {
    const { results } = answer as { results: { index: number; relevance_score: number }[] }
    return [...results].sort((a, b) => a.index - b.index).map((each) => each.relevance_score)
  })

const classify = (server: TestServer, input: readonly string[]) =>
  ask(server, '/tandem/v1/classify', { input }, (answer) => {
    const { results } = answer as { results: { labels: { label: string; score: number }[] }[] }
    return results.flatMap(({ labels }) =>
      [...labels].sort((a, b) => a.label.localeCompare(b.label)).map(({ score }) => score),
    )
  })

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length)
  for (const [at, value] of actual.entries()) expect(Math.abs(value - expected[at]!)).toBeLessThan(NEAR)
}

describeOpenVino('rerank and classify on openvino', () => {
  let plain: TestServer
  let openvino: TestServer
  beforeAll(async () => {
    plain = await startTestServer({ config: { models } })
    openvino = await startTestServer({
      config: {
        models,
        openvino: { folder: openVinoFolder },
        placement: { rerank: 'openvino', classify: 'openvino@HETERO:CPU' },
      },
    })
    await engineReady(openvino, 'openvino', 'rerank')
    await engineReady(openvino, 'openvino', 'classify')
  })
  afterAll(() => Promise.all([plain?.stop(), openvino?.stop()]))

  test('[no-silent-fallback] documents get the scores of onnxruntime, and the answer says by whom', async () => {
    const queries = [...new Set(reference.rerank.map(({ query }) => query))]
    expect(queries.length).toBeGreaterThan(0)
    for (const query of queries) {
      const documents = reference.rerank.filter((each) => each.query === query).map(({ text }) => text)
      const expected = await rerank(plain, query, documents)
      expect(expected.engine).toBe('onnxruntime')
      const scored = await rerank(openvino, query, documents)
      expect(scored).toMatchObject({ engine: 'openvino', device: 'cpu', fallback: null })
      expectNear(scored.scores, expected.scores)
    }
  })

  test('[no-silent-fallback] texts get the labels of onnxruntime', async () => {
    const input = reference.classify.map(({ text }) => text)
    const expected = await classify(plain, input)
    expect(expected.engine).toBe('onnxruntime')
    const scored = await classify(openvino, input)
    expect(scored).toMatchObject({ engine: 'openvino', device: 'HETERO:CPU', fallback: null })
    expectNear(scored.scores, expected.scores)
  })
})
