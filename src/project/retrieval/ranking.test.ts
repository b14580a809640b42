import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Candidate, PLAIN_WEIGHTS, rank, readQuery } from './ranking.ts'
import { needles, queryTerms, textTerms } from './terms.ts'

const candidate = (id: number, changes: Partial<Candidate> = {}): Candidate => ({
  id,
  path: `src/file${id}.ts`,
  role: 'source',
  startLine: 1,
  defines: [],
  cosine: 0.5,
  bm25: 0,
  trigram: 0,
  ...changes,
})
const order = (candidates: readonly Candidate[], text: string): number[] =>
  rank(candidates, readQuery(text)).map(({ id }) => id)

describe('rank', () => {
  test('plain weights give cosine plus a tenth of the normalized BM25', () => {
    const ranked = rank(
      [
        candidate(1, { cosine: 0.5, bm25: 4 }),
        candidate(2, { cosine: 0.54, bm25: 2 }),
        candidate(3, { bm25: 0 }),
      ],
      readQuery('anything'),
      PLAIN_WEIGHTS,
    )
    expect(ranked.map(({ id, score }) => [id, Number(score.toFixed(6))])).toEqual([
      [1, 0.6],
      [2, 0.59],
      [3, 0.5],
    ])
  })

  test('the definition of a queried name comes before its uses', () => {
    const uses = candidate(1, { cosine: 0.6, trigram: 1, bm25: 5 })
    const defines = candidate(2, { cosine: 0.5, trigram: 1, bm25: 4, defines: ['takeBatch'] })
    expect(order([uses, defines], 'takeBatch')).toEqual([2, 1])
    expect(order([uses, defines], 'which callers release the whole batch when a request ends')).toEqual([
      1, 2,
    ])
  })

  test('tests come later, but not when the question is about tests', () => {
    const both = [candidate(1, { role: 'test', cosine: 0.6 }), candidate(2, { cosine: 0.55 })]
    expect(order(both, 'cancel a request')).toEqual([2, 1])
    expect(order(both, 'which test cancels a request')).toEqual([1, 2])
  })

  test('a symbol and a path that share words with the question come first', () => {
    const other = candidate(1, { symbol: 'run', cosine: 0.52 })
    expect(order([other, candidate(2, { symbol: 'parseExpiry' })], 'parses the expiry')).toEqual([2, 1])
    expect(order([candidate(1), candidate(2, { path: 'src/expiry.ts' })], 'expiry date')).toEqual([2, 1])
  })

  test('a further chunk of a file counts a little less', () => {
    const ranked = rank(
      [
        candidate(1, { path: 'a.ts' }),
        candidate(2, { path: 'a.ts', startLine: 9 }),
        candidate(3, { path: 'b.ts' }),
      ],
      readQuery('x'),
    )
    expect(ranked.map(({ id }) => id)).toEqual([1, 3, 2])
    expect(ranked[2]!.adjustments).toEqual([{ name: 'decay', value: 0.99 }])
  })

  test('any candidates: each once, scores falling, the order independent of the input order', () => {
    const any = fc.uniqueArray(
      fc.record({
        id: fc.nat(50),
        path: fc.constantFrom('a.ts', 'b/take.ts', 'c.test.ts'),
        role: fc.constantFrom('source' as const, 'test' as const, 'docs' as const),
        startLine: fc.nat(1000),
        defines: fc.constantFrom([], ['takeBatch']),
        cosine: fc.double({ min: -1, max: 1, noNaN: true }),
        bm25: fc.double({ min: 0, max: 30, noNaN: true }),
        trigram: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { selector: ({ startLine }) => startLine },
    )
    fc.assert(
      fc.property(any, fc.constantFrom('takeBatch', 'where is the batch taken', ''), (candidates, text) => {
        const unique = candidates.map((entry, id) => ({ ...entry, id }))
        const ranked = rank(unique, readQuery(text))
        expect(ranked.map(({ id }) => id).sort((a, b) => a - b)).toEqual(unique.map(({ id }) => id))
        for (const [at, { score }] of ranked.entries())
          if (at > 0) expect(score).toBeLessThanOrEqual(ranked[at - 1]!.score)
        expect(rank(unique.toReversed(), readQuery(text)).map(({ id }) => id)).toEqual(
          ranked.map(({ id }) => id),
        )
      }),
    )
  })
})

describe('terms', () => {
  test.each([
    ['parseJWTExpiry', ['parsejwtexpiry', 'pars', 'jwt', 'expiry']],
    ['max_waiting_ms', ['max_waiting_ms', 'max', 'wait', 'ms']],
    ['queue', ['queu']],
    ['Größe über', ['größe', 'über']],
    ['x'.repeat(65), []],
  ])('%s is indexed as %j', (text, terms) => {
    expect(textTerms(text)).toEqual(terms)
  })

  test('one form for the endings of a word', () => {
    const forms = ['cancel', 'cancels', 'cancelled', 'canceled', 'cancelling'].flatMap(textTerms)
    expect(new Set(forms)).toEqual(new Set(['cancel']))
    expect(textTerms('queries query').at(0)).toBe(textTerms('query')[0])
  })

  test('a question loses words that say nothing, unless it has no others', () => {
    expect(queryTerms('where is the queue?')).toEqual(['queu'])
    expect(queryTerms('what is it')).toEqual(['what', 'is', 'it'])
  })

  test.each([
    ['how does takeBatch work', ['takebatch']],
    ['what does `the queue` do', ['the queue']],
    ['queue', ['queue']],
    ['where is the queue', []],
    ['who reads src/config/schema.ts?', ['src/config/schema.ts']],
    ['call parse()', ['parse']],
    ['', []],
  ])('of %j these are to be found letter by letter: %j', (text, found) => {
    expect(needles(text)).toEqual(found)
  })
})
