import { expect, test } from 'vitest'
import { estimateTokens } from './estimate.ts'

test.each([
  ['a text', 'x'.repeat(30), 12],
  ['token ids', [1, 2, 3], 5],
  ['a pair', { query: 'x'.repeat(12), text: 'x'.repeat(18) }, 12],
  ['more than the model reads', 'x'.repeat(3000), 100],
])('%s', (_, input, tokens) => {
  expect(estimateTokens(input, 100)).toBe(tokens)
})
