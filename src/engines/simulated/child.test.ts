import { describe, expect, test } from 'vitest'
import type { ScoreOutput } from '../../domain/index.ts'
import { encoderSuite } from '../contract.suite.ts'
import type { LoadedDecoder, LoadedEncoder, LoadedScorer } from '../contract.ts'
import { chatOf, collect, decoderSuite, user } from '../decoder.suite.ts'
import { engine } from './child.ts'
import { model, type settings, specOf } from './specs.suite.ts'

const never = new AbortController().signal

encoderSuite('the simulated engine', () => engine.load(specOf('embed')) as Promise<LoadedEncoder>)

decoderSuite('the simulated engine', {
  load: () => engine.load(specOf('chat')) as Promise<LoadedDecoder>,
  messages: [user('What does admitRequest do?')],
  otherMessages: [user('Where is the queue bounded?')],
  withoutPenalties: true,
  withoutTokenIds: true,
})

// the shared suite of scorers holds them against ONNX Runtime's own scores: what does not need those stands here
describe('the simulated engine as a scorer', () => {
  const rows = ({ scores, width }: ScoreOutput) =>
    Array.from({ length: scores.length / width }, (_, at) => [
      ...scores.subarray(at * width, (at + 1) * width),
    ])

  test('puts the document with the words of the query first; alone it has the score that it has in a batch', async () => {
    const reranker = (await engine.load(specOf('rerank'))) as LoadedScorer
    const query = 'where is the queue bounded?'
    const inputs = ['parse a date', 'the queue is bounded by maxWaiting', ''].map((text) => ({ query, text }))
    const together = rows(await reranker.score(inputs, never)).flat()
    expect(together.indexOf(Math.max(...together))).toBe(1)
    for (const score of together) expect(score > 0 && score < 1).toBe(true)
    for (const [at, input] of inputs.entries())
      expect(rows(await reranker.score([input], never)).flat()).toEqual([together[at]])
    await reranker.dispose()
    await expect(reranker.score(inputs, never)).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  })

  test('cuts the text, keeps the query, and reads as many tokens as it is told to', async () => {
    const reranker = (await engine.load(specOf('rerank'))) as LoadedScorer
    const long = { query: 'queue', text: 'word '.repeat(2000) }
    const { tokens, truncated } = await reranker.score([long, { query: 'queue', text: 'queue' }], never)
    expect([tokens[0], truncated]).toEqual([reranker.maxTokens, [0]])
    const cut = await reranker.score([{ query: 'queue', text: 'word word queue' }], never, 2)
    expect(cut.truncated).toEqual([0])
    await reranker.dispose()
  })

  test('gives each label a share, the largest to the one whose words the text has', async () => {
    const classifier = (await engine.load(specOf('classify'))) as LoadedScorer
    const [row] = rows(await classifier.score(['the queue has a bug'], never))
    expect(row!.reduce((sum, share) => sum + share)).toBeCloseTo(1, 5)
    expect(row!.indexOf(Math.max(...row!))).toBe(0)
    await expect(classifier.score(['a'], AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' })
    await classifier.dispose()
  })
})

describe('what it says', () => {
  const passages =
    'Use these.\n\n[1] src/queue.ts:3-4\n````ts\nconst fence = "```"\nlimit()\n````\n\n[2] src/b.ts:1-1\n```ts\nb\n```'

  test('is labelled, and quotes the question and the first passage', async () => {
    const decoder = (await engine.load(specOf('chat'))) as LoadedDecoder
    const messages = [{ role: 'system', content: passages } as const, user('what is limited?')]
    const { result } = await collect(decoder, chatOf(messages, { sampling: { stop: [] } }))
    expect(result.finishReason).toBe('stop')
    expect(result.text).toMatch(/^\[simulated\] You asked: "what is limited\?"\./)
    expect(result.text).toContain('The first passage is src/queue.ts:3-4 [1]: "const fence = "```" limit()".')
    expect(result.text).toContain('No model has read this: the simulator of made-up on cpu-only')
    await decoder.dispose()
  })
})

describe('a fault', () => {
  const embedder = (fault: NonNullable<typeof settings.fault>) =>
    engine.load(specOf('embed', { fault })) as Promise<LoadedEncoder>

  test('memory: the load fails', async () => {
    await expect(embedder({ kind: 'memory' })).rejects.toMatchObject({ code: 'DEVICE_OUT_OF_MEMORY' })
  })

  test('lost: after its answers every call fails; those of the start do not count', async () => {
    const lost = await embedder({ kind: 'lost', after: 1 })
    for (const _ of ['warm-up', 'vectors', 'the first answer']) await lost.embed(['a'], 'query', never)
    for (const _ of ['second', 'third'])
      await expect(lost.embed(['a'], 'query', never)).rejects.toMatchObject({
        code: 'ENGINE_FAILED',
        message: expect.stringContaining('openvino (simulated) failed: cpu: device lost'),
      })
  })

  test('vectors: they are unlike those of a device that works', async () => {
    const [right, wrong] = [await engine.load(specOf('embed')), await embedder({ kind: 'vectors' })]
    const [a, b] = await Promise.all(
      [right, wrong].map((each) => (each as LoadedEncoder).embed(['where is the queue?'], 'query', never)),
    )
    const cosine = a!.vectors.reduce((sum, each, at) => sum + each * b!.vectors[at]!, 0)
    expect(cosine).toBeLessThan(0.5)
  })
})

test.each([
  ['without settings', { ...specOf('embed'), settings: {} }, /settings do not fit/],
  [
    'without times for its task',
    specOf('chat', { timing: { loadMs: 0 } }),
    /made-up cannot serve chat with it/,
  ],
  [
    'for a task that the model does not do',
    { ...specOf('rerank'), model: { ...model, rerank: undefined } } as unknown as ReturnType<typeof specOf>,
    /made-up cannot serve rerank with it/,
  ],
])('a load %s is refused', async (_, spec, why) => {
  await expect(engine.load(spec)).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    message: expect.stringMatching(why),
  })
})
