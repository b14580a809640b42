import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchTokens, planBatches, shareTokens } from './batches.ts'

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

test.each([
  ['a few texts go to all lanes', 16, 125, 6, [3, 3, 3, 3, 3, 1]],
  ['one for each lane', 6, 125, 6, [1, 1, 1, 1, 1, 1]],
  ['what takes two rounds is as much in each', 32, 125, 6, [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2]],
  ['little is not split', 4, 20, 6, [4]],
  ['one lane takes what it holds', 10, 125, 1, [4, 4, 2]],
  ['many texts fill their batches', 20, 250, 2, new Array(10).fill(2)],
])('%s', (_, count, length, lanes, sizes) => {
  const lengths = new Array<number>(count).fill(length)
  const batches = planBatches(lengths, shareTokens(lengths, lanes, 512))
  expect(batches.map((batch) => batch.length)).toEqual(sizes)
})
