import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DecoderRun, figuresOf, sizeOf } from './decoder.ts'

const run = (more: Partial<DecoderRun>): DecoderRun => ({
  promptChars: 300,
  promptTokens: 100,
  promptMs: 50,
  decodedTokens: 20,
  decodeMs: 200,
  ...more,
})

describe('figures', () => {
  test('medians, of answers that are long enough', () => {
    const runs = [run({}), run({ decodedTokens: 2, decodeMs: 1000 }), run({ decodeMs: 100, promptMs: 25 })]
    const { promptTokensPerSecond, decodeTokensPerSecond } = figuresOf(runs)
    expect(promptTokensPerSecond).toBeCloseTo(2000)
    expect(decodeTokensPerSecond).toBeCloseTo(150)
  })

  test('short answers are added up', () => {
    const runs = [run({ decodedTokens: 3, decodeMs: 10 }), run({ decodedTokens: 1, decodeMs: 30 })]
    expect(figuresOf(runs).decodeTokensPerSecond).toBe(100)
  })

  test('answers of one token tell nothing', () => {
    expect(() => figuresOf([run({ decodedTokens: 0, decodeMs: 0 })])).toThrow('after one token')
  })
})

test('[bounded] a run is as long as its time and the window allow', () => {
  const natural = fc.integer({ min: 1, max: 100_000 })
  const last = fc.record({
    promptChars: natural,
    promptTokens: natural,
    promptMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    decodedTokens: fc.nat(1000),
    decodeMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  })
  fc.assert(
    fc.property(last, fc.integer({ min: 256, max: 1e6 }), fc.nat(10_000), (given, window, runMs) => {
      const { promptChars, answerTokens } = sizeOf(given, window, runMs)
      expect(answerTokens).toBeGreaterThanOrEqual(4)
      expect(answerTokens).toBeLessThanOrEqual(Math.min(256, window / 2))
      const tokens = (promptChars * given.promptTokens) / given.promptChars
      const least = (24 * given.promptTokens) / given.promptChars
      expect(tokens).toBeLessThanOrEqual(Math.max(Math.min(512, window / 2), least) + 1e-6)
    }),
  )
})
