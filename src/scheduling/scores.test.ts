import { describe, expect, test } from 'vitest'
import { scoresOf } from '../../test/fakes/fault-engine.js'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { RerankRequest } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import { bulk, failure, interactive, serve } from './serving.suite.ts'

const about = (query: string, ...documents: string[]): RerankRequest => ({ model: 'fake', query, documents })
const relevances = (query: string, documents: readonly string[]) =>
  Float32Array.from(documents, (text) => scoresOf({ query, text }, 1)[0]!)

/** What is sent to a worker from now on: inputs, and the limit of their texts. */
function watch(worker: Worker): string[] {
  const calls: string[] = []
  const score = worker.score.bind(worker)
  worker.score = (request, options) => {
    calls.push(`${request.inputs.length} ${request.maxTextTokens ?? 'whole'} ${options?.priority}`)
    return score(request, options)
  }
  return calls
}

describe('scores', () => {
  test('many documents of all lengths come back in their order', async () => {
    const { serving } = serve([fakeWorker('rerank')])
    const documents = Array.from({ length: 300 }, (_, i) => `document ${i} ${'x'.repeat((i * 37) % 700)}`)
    const { result, servedBy } = await serving.rerank(about('which?', ...documents), bulk)
    expect(result.scores).toEqual(relevances('which?', documents))
    expect(result).toMatchObject({ width: 1, tokens: documents.map((text) => Math.min(512, text.length)) })
    expect(result.truncated).toEqual(documents.flatMap((text, i) => (text.length > 512 ? [i] : [])))
    expect(servedBy).toEqual({ model: 'fake', engine: 'onnxruntime', device: 'cpu', simulated: false })
  })

  test('a classifier gives one score of each label', async () => {
    const { serving } = serve([fakeWorker('classify')])
    const { result } = await serving.classify({ model: 'fake', inputs: ['one', 'two'] }, interactive)
    expect(result.width).toBe(3)
    expect([...result.scores]).toEqual([...scoresOf('one', 3), ...scoresOf('two', 3)])
  })

  test('several people share batches, each with a query of his own; other limits go apart', async () => {
    const { serving, workers } = serve([fakeWorker('rerank')])
    await serving.ready()
    const calls = watch(workers[0]!)
    const blockers = [1, 2].map(() => serving.rerank(about('', 'fault:slow:50'), interactive))
    const people = ['a', 'b', 'c'].map((query) => serving.rerank(about(query, 'x', 'y'), interactive))
    const short = serving.rerank({ ...about('d', 'long'), maxTokensPerDocument: 2 }, interactive)
    const answers = await Promise.all(people)
    expect(answers.map(({ result }) => result.scores)).toEqual(
      ['a', 'b', 'c'].map((query) => relevances(query, ['x', 'y'])),
    )
    expect((await short).result).toMatchObject({ tokens: [2], truncated: [0] })
    await Promise.all(blockers)
    expect(calls).toEqual([
      '1 whole interactive',
      '1 whole interactive',
      '6 whole interactive',
      '1 2 interactive',
    ])
  })

  test('a person overtakes many documents', async () => {
    const { serving } = serve([fakeWorker('rerank')])
    await serving.ready()
    const order: string[] = []
    const documents = Array.from({ length: 400 }, (_, i) => (i % 10 ? 'y'.repeat(300) : 'fault:slow:5'))
    const many = serving.rerank(about('all', ...documents), bulk)
    const person = serving.rerank(about('who waits?', 'a'), interactive)
    await Promise.all([many.then(() => order.push('many')), person.then(() => order.push('person'))])
    expect(order).toEqual(['person', 'many'])
  })

  test('[failure-domains] a reranker that dies is tried again; the embedder beside it notices nothing', async () => {
    const { serving, workers } = serve([fakeWorker('rerank'), fakeWorker('embed')])
    await serving.ready()
    const embedder = workers[1]!.info!.pid
    const pending = serving.rerank(about('q', 'fault:slow:300', 'b'), interactive)
    process.kill(workers[0]!.info!.pid!, 'SIGKILL')
    expect((await pending).result.scores).toEqual(relevances('q', ['fault:slow:300', 'b']))
    expect(workers[1]!.info!.pid).toBe(embedder)
  })

  test('what one engine fails on, the next placement scores', async () => {
    const { serving, workers } = serve([fakeWorker('rerank', 'npu0'), fakeWorker('rerank', 'cpu')])
    await Promise.all(workers.map((worker) => worker.ready()))
    const first = workers[0]!
    const score = first.score.bind(first)
    first.score = (request, options) => score({ ...request, inputs: ['fault:memory'] }, options) // a lost driver
    const { result, servedBy } = await serving.rerank(about('q', 'a'), interactive)
    expect(result.scores).toEqual(relevances('q', ['a']))
    expect(servedBy).toMatchObject({ device: 'cpu', fallback: 'onnxruntime on npu0 is failing' })
  })

  test.each([
    ['fault:garbage:count', /2 rows of scores for 1 inputs/],
    ['fault:garbage:nan', /a score holds NaN/],
    ['fault:garbage:width', /rows of scores of 2 scores, the model has 1/],
  ])('%s is never passed on', async (text, why) => {
    const { serving } = serve([fakeWorker('rerank')])
    const error = await failure(serving.rerank(about('q', text), interactive))
    expect(error).toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringMatching(why) })
  })

  test('a worker of another task is named, as is a request without inputs', async () => {
    const { serving, workers } = serve([fakeWorker('embed'), fakeWorker('classify')])
    await serving.ready()
    const wrong = await failure(workers[0]!.score({ model: 'fake', inputs: ['a'] }))
    expect(wrong.message).toBe('this worker embeds, it does not score')
    expect((await failure(serving.rerank(about('q', 'a'), interactive))).code).toBe('TASK_UNSERVED')
    const empty = await failure(serving.classify({ model: 'fake', inputs: [] }, interactive))
    expect(empty).toMatchObject({ code: 'INVALID_REQUEST', param: 'input' })
  })
})
