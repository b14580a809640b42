import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EmbedRequest } from '../../domain/index.ts'
import type { RequestContext, Serving } from '../../scheduling/contract.ts'
import type { IndexStore } from '../store/contract.ts'
import { openEmbeddedStore } from '../store/index.ts'
import { chunk, embedPending, file, vectorOf } from '../store/samples.suite.ts'
import { isAnswerable } from './refusal.ts'
import { findPassages, searchProject } from './search.ts'

const DIMENSIONS = 32
const servedBy = { model: 'm', engine: 'onnxruntime', device: 'cpu', simulated: false } as const
const asked: { request: EmbedRequest; context: RequestContext }[] = []
const BATCH = 'export function takeBatch(queue) {\n  return queue.splice(0, 8)\n}'
/** A question about a batch is near the chunk that takes one, others near nothing; real models are used end to end. */
const serving: Pick<Serving, 'embed'> = {
  async embed(request, context) {
    asked.push({ request, context })
    const [text] = request.inputs
    const vectors = vectorOf(/batch/i.test(String(text)) ? `takeBatch\n${BATCH}` : 'else', DIMENSIONS)
    return { result: { vectors, dimensions: DIMENSIONS, tokens: [3], truncated: [] }, servedBy }
  },
}
const countTokens = async (texts: readonly string[]): Promise<number[]> => texts.map((text) => text.length)

let folder: string
let store: IndexStore
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-search-'))
  store = await openEmbeddedStore(folder, { fingerprint: 'f', dimensions: DIMENSIONS })
  await store.putFiles([
    file('src/queue.ts', [chunk(BATCH, { symbol: 'takeBatch', startLine: 4 })]),
    file('src/clock.ts', [chunk('export const now = () => 0', { symbol: 'now' })]),
  ])
  await embedPending(store, DIMENSIONS)
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

test('a search embeds the question as a query, interactive, and says what served it', async () => {
  const found = await searchProject(store, serving, 'm', 'take a batch of the queue', { limit: 1 })
  expect(found.servedBy).toEqual(servedBy)
  expect(found.hits).toMatchObject([{ path: 'src/queue.ts', symbol: 'takeBatch', startLine: 4 }])
  expect(asked.at(-1)).toEqual({
    request: { model: 'm', inputs: ['take a batch of the queue'], purpose: 'query' },
    context: { priority: 'interactive' },
  })
})

test.each([
  ['', 10, 'query'],
  [' \n', 10, 'query'],
  ['x', 0, 'limit'],
  ['x', 101, 'limit'],
  ['x', 1.5, 'limit'],
])('the query %j with the limit %d is refused, naming %s', async (query, limit, param) => {
  await expect(searchProject(store, serving, 'm', query, { limit })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    param,
  })
})

test('passages come with the message that goes before the chat', async () => {
  const query = 'where does takeBatch splice the queue?'
  const found = await findPassages(store, serving, 'm', 'demo', {
    query,
    countTokens,
    maxTokens: 120,
    maxPassages: 3,
  })
  expect(found.refusal).toBeUndefined()
  expect(found.passages).toMatchObject([{ path: 'src/queue.ts', startLine: 4, endLine: 6 }])
  expect(found.systemMessage).toContain('about the project demo from')
  expect(found.systemMessage).toMatch(/\[1\] src\/queue\.ts:4-6\n```ts\nexport function takeBatch/)
})

test('a question about something else is refused in one sentence that names the project', async () => {
  const query = 'how are invoices refunded after a chargeback?'
  const found = await findPassages(store, serving, 'm', 'demo', {
    query,
    countTokens,
    maxTokens: 500,
    maxPassages: 3,
  })
  expect(found).toEqual({
    project: 'demo',
    passages: [],
    systemMessage: '',
    refusal: 'I found nothing in the project demo that answers this question.',
  })
})

// Measured with the shipped model over this project's own sources: cosine, idf-weighted share, terms.
test.each([
  ['vector scan int8', 0.5, 1, 3, 3, true],
  ['what happens when a fingerprint changes', 0.45, 0.56, 2, 3, true],
  ['what is the capital of France', 0.4, 0, 0, 2, false],
  ['what does frobnicateAll do?', 0.31, 0.14, 1, 3, false],
  ['where is the redis cache invalidated', 0.29, 0.24, 1, 3, false],
  ['an empty index', 0, 0, 0, 3, false],
])('%s', (_, cosine, lexical, matchedTerms, queryTerms, expected) => {
  expect(isAnswerable({ cosine, lexical, matchedTerms, queryTerms })).toBe(expected)
})

test('a vector that came with the question takes the place of its embedding', async () => {
  const before = asked.length
  const ask = (query: string, vector: Float32Array) =>
    findPassages(store, serving, 'm', 'demo', { query, vector, countTokens, maxTokens: 1000, maxPassages: 1 })
  const near = await ask('what is it?', vectorOf(`takeBatch\n${BATCH}`, DIMENSIONS))
  expect(near.passages.map(({ path }) => path)).toEqual(['src/queue.ts'])
  const far = await ask('what is it?', vectorOf('else', DIMENSIONS))
  expect(far.passages).toEqual([])
  expect(asked).toHaveLength(before)
})
