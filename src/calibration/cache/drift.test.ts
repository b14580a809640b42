import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Drift, hasDrifted, NO_DRIFT, noteRatio, speedRatio } from './drift.ts'
import { candidate, figure } from './samples.suite.ts'

const seen = (ratios: readonly number[]): Drift => ratios.reduce(noteRatio, NO_DRIFT)
const constant = (ratio: number, samples: number) => seen(Array(samples).fill(ratio))

describe('drift', () => {
  test.each([
    [0.65, 200, true],
    [1.4, 200, true],
    [0.75, 200, false],
    [1.25, 200, false],
    [0.1, 49, false],
    [0.1, 50, true],
  ])('speed x %d over %i samples: %s', (ratio, samples, drifted) => {
    expect(hasDrifted(constant(ratio, samples))).toBe(drifted)
  })

  test('single slow answers do not count', () => {
    const ratios = Array.from({ length: 400 }, (_, i) => (i % 25 === 0 ? 0.05 : 1))
    expect(hasDrifted(seen(ratios))).toBe(false)
  })

  test('a change is seen also after much traffic', () => {
    expect(hasDrifted(seen([...Array(10_000).fill(1), ...Array(100).fill(0.5)]))).toBe(true)
  })

  test('the running figure stays between the least and the greatest', () => {
    const ratios = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(ratios, (list) => {
        const ratio = Math.exp(seen(list).logRatio)
        expect(ratio).toBeGreaterThanOrEqual(Math.min(...list) * 0.999)
        expect(ratio).toBeLessThanOrEqual(Math.max(...list) * 1.001)
      }),
    )
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%d is no ratio', (ratio) => {
    expect(noteRatio(NO_DRIFT, ratio)).toEqual(NO_DRIFT)
  })
})

describe('what of live traffic is comparable', () => {
  const encoder = figure(candidate())
  const live = (tokens: number, batch: number, msPerText: number) =>
    speedRatio({ kind: 'encoder', tokens, batch, msPerText }, encoder)

  test('a text alone, and batches of about the measured size', () => {
    expect(live(128, 1, 10)).toBe(0.5)
    expect(live(100, 8, 1)).toBe(2)
    expect(live(100, 12, 2)).toBe(1)
  })

  test('not a shorter or longer text, nor another batch', () => {
    expect([live(90, 1, 5), live(129, 1, 5), live(128, 3, 5), live(128, 64, 5)]).toEqual(
      Array(4).fill(undefined),
    )
  })

  test('a chat by its tokens, and only by them', () => {
    const chat = figure(candidate('chat'))
    const wrote = { kind: 'decoder', decodeTokensPerSecond: 25 } as const
    expect(speedRatio(wrote, chat)).toBe(0.5)
    expect(speedRatio(wrote, encoder)).toBeUndefined()
    expect(speedRatio({ kind: 'encoder', tokens: 128, batch: 1, msPerText: 5 }, chat)).toBeUndefined()
  })
})
