import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import reference from '../../test/data/reference-scores.json' with { type: 'json' }
import type { Model, ScoreInput, ScoreOutput } from '../domain/index.ts'
import type { LoadedScorer } from './contract.ts'

/** The tiny models' scores are sums of few terms: engines differ by rounding alone, bf16 included. */
const NEAR = 0.02

const never = new AbortController().signal
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))
const softmax = (logits: readonly number[]): number[] => {
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
  return logits.map((logit) => Math.exp(logit) / sum)
}
const rowsOf = ({ scores, width }: ScoreOutput): number[][] =>
  Array.from({ length: scores.length / width }, (_, i) => [...scores.subarray(i * width, (i + 1) * width)])

function expectNear(found: readonly number[], expected: readonly number[], what: string): void {
  expect(found.length, what).toBe(expected.length)
  for (const [i, value] of found.entries())
    expect(Math.abs(value - expected[i]!), `${what}: ${value}, not ${expected[i]}`).toBeLessThan(NEAR)
}

/** Loads a model of test/data/models for a task; the suite disposes of it. */
export type LoadScorer = (task: 'rerank' | 'classify', model: Model) => Promise<LoadedScorer>

/**
 * What every engine promises of rerankers and classifiers (see `LoadedScorer`), shown with the models of
 * test/data/models against the scores that ONNX Runtime for Python gave them.
 * @param name of the engine and device
 */
export function scorerSuite(name: string, load: LoadScorer, reranking: Model, classifying: Model): void {
  const { rerank, classify } = reference
  const pairs = rerank.map(({ query, text }) => ({ query, text }))
  const texts = classify.map(({ text }) => text)
  const openOnes: LoadedScorer[] = []
  const open = async (task: 'rerank' | 'classify', model: Model): Promise<LoadedScorer> => {
    const loaded = await load(task, model)
    openOnes.push(loaded)
    return loaded
  }
  const rawLogits = (model: Model): Model => ({ ...model, rerank: { activation: 'none' } })
  const labelled = (labels: readonly string[], multiLabel = false): Model => ({
    ...classifying,
    classify: { labels, multiLabel },
  })

  describe(`scorer: ${name}`, () => {
    let reranker: LoadedScorer
    let classifier: LoadedScorer
    beforeAll(async () => {
      reranker = await open('rerank', reranking)
      classifier = await open('classify', classifying)
    })
    afterAll(async () => {
      for (const loaded of openOnes) await loaded.dispose()
    })
    const scoreOf = async (...inputs: ScoreInput[]) => rowsOf(await reranker.score(inputs, never)).flat()

    test('reranks pairs of all lengths in one batch as the reference does, in their order', async () => {
      const output = await reranker.score(pairs, never)
      expect(output.tokens).toEqual(rerank.map(({ tokens }) => tokens))
      expectNear(
        rowsOf(output).flat(),
        rerank.map(({ logits }) => sigmoid(logits[0]!)),
        'relevance',
      )
      expect(output.truncated).toEqual(rerank.flatMap(({ text }, i) => (text.length > 1000 ? [i] : [])))
    })

    test('classifies texts in one batch as the reference does, in their order', async () => {
      const output = await classifier.score(texts, never)
      expect(output).toMatchObject({ width: 3, tokens: classify.map(({ tokens }) => tokens) })
      for (const [i, row] of rowsOf(output).entries())
        expectNear(row, softmax(classify[i]!.logits), texts[i]!.slice(0, 30))
    })

    test('alone each input has the score that it has in a batch', async () => {
      const together = await scoreOf(...pairs)
      for (const [i, pair] of pairs.entries()) expectNear(await scoreOf(pair), [together[i]!], pair.text)
      const all = rowsOf(await classifier.score(texts, never))
      for (const [i, text] of texts.entries())
        expectNear(rowsOf(await classifier.score([text], never))[0]!, all[i]!, text)
    })

    test('puts the document that answers the query first', async () => {
      for (const query of new Set(rerank.map((each) => each.query))) {
        const documents = rerank.filter((each) => each.query === query)
        const best = (scores: number[]) => scores.indexOf(Math.max(...scores))
        const scores = await scoreOf(...documents.map(({ text }) => ({ query, text })))
        expect(best(scores), query).toBe(best(documents.map(({ logits }) => logits[0]!)))
      }
    })

    test('tells query and document apart by their token types', async () => {
      const [asked, answered] = await scoreOf(
        { query: 'cat', text: 'a cat sat on the mat' },
        { query: 'a cat sat on the mat', text: 'cat' },
      )
      expect(asked! - answered!).toBeGreaterThan(0.1)
    })

    test('the manifest chooses logits or sigmoid, softmax or a sigmoid of each label', async () => {
      const raw = await open('rerank', rawLogits(reranking))
      expectNear(
        rowsOf(await raw.score(pairs, never)).flat(),
        rerank.map(({ logits }) => logits[0]!),
        'logit',
      )
      const multi = await open('classify', labelled(['bug', 'feature', 'question'], true))
      for (const [i, row] of rowsOf(await multi.score(texts, never)).entries())
        expectNear(row, classify[i]!.logits.map(sigmoid), texts[i]!.slice(0, 30))
    })

    test('cuts a long text, keeps the query, and names what was cut', async () => {
      const text = 'the queue of the worker '.repeat(reranker.maxTokens)
      const inputs = ['cat', 'the queue'].flatMap((query) => [
        { query, text },
        { query, text: `${text} cat` },
      ])
      const output = await reranker.score([{ query: 'cat', text: 'cat' }, ...inputs], never)
      expect(output.truncated).toEqual([1, 2, 3, 4])
      expect(output.tokens.slice(1)).toEqual(inputs.map(() => reranker.maxTokens))
      const [, noCat, cutCat, queue] = rowsOf(output).flat()
      expectNear([noCat!], [cutCat!], 'they differ only beyond the limit')
      expect(queue! - noCat!).toBeGreaterThan(0.2)
    })

    test('reads as many tokens of a text as it is told to', async () => {
      const pair = { query: 'cat', text: 'the the the the cat' }
      const [whole, cut] = [await reranker.score([pair], never), await reranker.score([pair], never, 4)]
      expect([whole.truncated, cut.truncated]).toEqual([[], [0]])
      expect(whole.tokens[0]! - cut.tokens[0]!).toBe(1)
      expect(whole.scores[0]! - cut.scores[0]!).toBeGreaterThan(0.2)
    })

    test('scores empty texts, and no inputs at all', async () => {
      const output = await reranker.score([{ query: '', text: '' }], never)
      expect(output.scores.every(Number.isFinite)).toBe(true)
      expect(await classifier.score([], never)).toEqual({
        scores: new Float32Array(0),
        width: 3,
        tokens: [],
        truncated: [],
      })
    })

    test.each([
      [
        'a reranker with several logits',
        'rerank',
        { ...classifying, rerank: { activation: 'none' } },
        /3 scores .* one score for each document/,
      ],
      ['too few labels', 'classify', labelled(['bug']), /3 scores .* lists 1 label$/],
      ['too many labels', 'classify', labelled(['a', 'b', 'c', 'd']), /3 scores .* lists 4 labels/],
    ] as const)('refuses %s and says what would fit', async (_, task, model, why) => {
      const loaded = await open(task, model)
      const input = task === 'rerank' ? { query: 'a', text: 'b' } : 'a'
      await expect(loaded.score([input], never)).rejects.toMatchObject({
        code: 'ENGINE_FAILED',
        message: expect.stringMatching(why),
      })
    })

    test('refuses a task that the manifest does not give the model', async () => {
      await expect(load('rerank', classifying)).rejects.toMatchObject({
        code: 'ENGINE_FAILED',
        message: expect.stringContaining('cannot serve rerank'),
      })
    })

    test('stops when the signal is aborted, and answers calls that overlap', async () => {
      await expect(reranker.score(pairs, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' })
      const controller = new AbortController()
      const many = Array.from({ length: 40 }, () => pairs).flat()
      const running = reranker.score(many, controller.signal)
      setImmediate(() => controller.abort())
      await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
      const [first, second] = await Promise.all([scoreOf(...pairs), scoreOf(...[...pairs].reverse())])
      expectNear(first, [...second].reverse(), 'overlapping')
    })

    test('fails cleanly after it was disposed of, which may happen twice', async () => {
      const other = await load('classify', classifying)
      await other.dispose()
      await other.dispose()
      await expect(other.score(['a'], never)).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    })
  })
}
