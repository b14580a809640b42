import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchTokens, planBatches } from './batches.ts'

test('every input is in one batch, within the limits, unless it is alone', () => {
  const lengths = fc.array(fc.integer({ min: 2, max: 512 }), { maxLength: 200 })
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 1024 }), (list, maxTokens) => {
      const batches = planBatches(list, maxTokens, 1.3)
      expect(batches.flat().sort((a, b) => a - b)).toEqual(list.map((_, i) => i))
      for (const batch of batches) {
        const sizes = batch.map((i) => list[i]!)
        const longest = Math.max(...sizes)
        if (batch.length === 1) continue
        expect(longest * batch.length).toBeLessThanOrEqual(maxTokens)
        expect(longest).toBeLessThanOrEqual(Math.min(...sizes) * 1.3)
      }
    }),
  )
})

test('short inputs come first and keep their order', () => {
  expect(planBatches([100, 10, 100, 10], 200, 1.3)).toEqual([
    [1, 3],
    [0, 2],
  ])
})

test.each([
  [1, 512],
  [6, 3072],
  [64, 4096],
])('%i threads share a batch of %i tokens', (threads, tokens) => {
  expect(batchTokens(threads)).toBe(tokens)
})
