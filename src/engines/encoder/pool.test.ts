import { expect, test } from 'vitest'
import { poolRows } from './pool.ts'

// Two rows of width 3 and 2 dimensions; the second row has one token of padding.
const states = Float32Array.from([3, 0, 0, 3, 3, 3, 1, 2, 3, 4, 99, 99])

test.each([
  ['mean', false, [2, 3, 2, 2]],
  ['cls', false, [1, 2, 3, 0]],
  ['last', false, [3, 4, 3, 3]],
] as const)(
  '%s pooling leaves padding out and writes each row to its target',
  (pooling, normalize, expected) => {
    const out = new Float32Array(4).fill(7)
    poolRows(states, 3, 2, [3, 2], pooling, normalize, out, [1, 0])
    expect([...out]).toEqual(expected)
  },
)

test('normalized vectors have length one, and a zero vector stays zero', () => {
  const out = new Float32Array(4)
  poolRows(Float32Array.from([3, 4, 0, 0]), 1, 2, [1, 1], 'mean', true, out, [0, 1])
  expect(out[0]).toBeCloseTo(0.6)
  expect(out[1]).toBeCloseTo(0.8)
  expect([...out.subarray(2)]).toEqual([0, 0])
})
