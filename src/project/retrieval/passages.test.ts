import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SearchHit } from '../../domain/index.ts'
import { MAX_PASSAGE_LINES, selectPassages } from './passages.ts'
import { renderPassage } from './system-message.ts'

/** A stand-in for a chat model's tokenizer: words and single signs. */
const countTokens = async (texts: readonly string[]): Promise<number[]> =>
  texts.map((text) => text.match(/\w+|[^\w ]/g)?.length ?? 0)

const hit = (path: string, startLine: number, lines: readonly string[], score = 1): SearchHit => ({
  path,
  startLine,
  endLine: startLine + lines.length - 1,
  score,
  language: 'typescript',
  text: lines.join('\n'),
})
const plenty = { countTokens, maxTokens: 10_000, maxPassages: 6 }

describe('selectPassages', () => {
  test('keeps the order of the hits and their lines', async () => {
    const chosen = await selectPassages([hit('b.ts', 5, ['let b'], 2), hit('a.ts', 1, ['let a'], 1)], plenty)
    expect(chosen).toEqual([
      { path: 'b.ts', startLine: 5, endLine: 5, score: 2, language: 'typescript', text: 'let b' },
      { path: 'a.ts', startLine: 1, endLine: 1, score: 1, language: 'typescript', text: 'let a' },
    ])
  })

  test('leaves out empty lines at both ends and counts the lines accordingly', async () => {
    const chosen = await selectPassages([hit('a.ts', 10, ['', '  ', 'let a', '', 'let b', ''])], plenty)
    expect(chosen).toMatchObject([{ startLine: 12, endLine: 14, text: 'let a\n\nlet b' }])
    expect(await selectPassages([hit('a.ts', 1, ['', ' '])], plenty)).toEqual([])
  })

  test('joins chunks that touch or overlap, at the place of the better one', async () => {
    const chosen = await selectPassages(
      [
        hit('a.ts', 3, ['three', 'four'], 9),
        hit('b.ts', 1, ['other'], 8),
        hit('a.ts', 1, ['one', 'two', 'three'], 7),
      ],
      plenty,
    )
    expect(chosen).toMatchObject([
      { path: 'a.ts', startLine: 1, endLine: 4, score: 9, text: 'one\ntwo\nthree\nfour' },
      { path: 'b.ts' },
    ])
  })

  test('leaves out a chunk that a chosen passage already holds', async () => {
    const chosen = await selectPassages([hit('a.ts', 1, ['one', 'two']), hit('a.ts', 2, ['two'])], plenty)
    expect(chosen).toMatchObject([{ startLine: 1, endLine: 2 }])
  })

  test('does not join two chosen passages by a chunk that bridges them: no line stands twice', async () => {
    const lines = (from: number, to: number): string[] =>
      Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}`)
    const hits = [
      hit('a.ts', 1, lines(1, 20)),
      hit('a.ts', 25, lines(25, 40)),
      hit('a.ts', 18, lines(18, 30)),
    ]
    expect(await selectPassages(hits, plenty)).toMatchObject([
      { startLine: 1, endLine: 20 },
      { startLine: 25, endLine: 40 },
    ])
  })

  test('does not join what would be longer than a passage may be', async () => {
    const lines = Array.from({ length: 40 }, (_, at) => `line ${at}`)
    const chosen = await selectPassages([hit('a.ts', 1, lines), hit('a.ts', 41, lines)], plenty)
    expect(chosen).toMatchObject([{ startLine: 1, endLine: 40 }])
  })

  test('cuts a best hit that is too long alone, and skips others that do not fit', async () => {
    const long = Array.from({ length: 30 }, (_, at) => `word${at}`)
    const chosen = await selectPassages([hit('a.ts', 1, long), hit('b.ts', 1, ['x'])], {
      ...plenty,
      maxTokens: 40,
    })
    expect(chosen[0]).toMatchObject({ path: 'a.ts', startLine: 1 })
    expect(chosen[0]!.endLine).toBeGreaterThan(3)
    expect(chosen[0]!.endLine).toBeLessThan(30)
  })

  test('any hits: never over the budgets, best first, at most 60 lines, no empty ends, no line twice', async () => {
    const anyHit = fc
      .record({
        path: fc.constantFrom('a.ts', 'b.ts', 'c.md'),
        startLine: fc.integer({ min: 1, max: 80 }),
        lines: fc.array(fc.constantFrom('', ' ', 'let x = f(y)', '```', 'word'), {
          minLength: 1,
          maxLength: 90,
        }),
      })
      .map(({ path, startLine, lines }) => hit(path, startLine, lines))
    const limits = fc.record({ maxTokens: fc.nat(600), maxPassages: fc.integer({ min: 1, max: 6 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyHit, { maxLength: 12 }),
        limits,
        async (unscored, { maxTokens, maxPassages }) => {
          const hits = unscored.map((entry, at) => ({ ...entry, score: 100 - at }))
          const chosen = await selectPassages(hits, { countTokens, maxTokens, maxPassages })
          const rendered = chosen.map((passage, at) => renderPassage(passage, at + 1)).join('\n\n')
          expect((await countTokens([rendered]))[0]).toBeLessThanOrEqual(maxTokens)
          expect(chosen.length).toBeLessThanOrEqual(maxPassages)
          expect(chosen.map(({ score }) => score)).toEqual(
            chosen.map(({ score }) => score).sort((a, b) => b - a),
          )
          const seen = new Set<string>()
          for (const { path, startLine, endLine, text } of chosen) {
            const lines = text.split('\n')
            expect(lines).toHaveLength(endLine - startLine + 1)
            expect(lines.length).toBeLessThanOrEqual(MAX_PASSAGE_LINES)
            expect(lines[0]!.trim()).not.toBe('')
            expect(lines.at(-1)!.trim()).not.toBe('')
            for (let line = startLine; line <= endLine; line += 1) {
              expect(seen.has(`${path}:${line}`)).toBe(false)
              seen.add(`${path}:${line}`)
            }
          }
        },
      ),
    )
  })
})
