import { expect, test } from 'vitest'
import { activate } from './activation.ts'

const activated = (logits: readonly number[], activation: Parameters<typeof activate>[1]): number[] => {
  const row = Float32Array.from(logits)
  activate(row, activation)
  return [...row]
}

test('none leaves logits as they are, sigmoid takes each for itself', () => {
  expect(activated([-1.5, 2], 'none')).toEqual([-1.5, 2])
  const [low, half, high] = activated([-1000, 0, 1000], 'sigmoid')
  expect([low, half, high]).toEqual([0, 0.5, 1])
})

test('softmax sums to one, also where exp alone would overflow', () => {
  const row = activated([1000, 1000, -1000], 'softmax')
  expect(row).toEqual([0.5, 0.5, 0])
  const [a, b] = activated([Math.log(3), 0], 'softmax')
  expect(a).toBeCloseTo(0.75, 6)
  expect(b).toBeCloseTo(0.25, 6)
})
