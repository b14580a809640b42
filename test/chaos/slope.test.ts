import { expect, test } from 'vitest'
import { random } from '../support/made-up-tree.ts'
import { median, theilSen } from './slope.ts'

test('a trend is found under noise and outliers, and none where there is none', () => {
  const next = random(7)
  const series = (slope: number) =>
    Array.from({ length: 100 }, (_, x) => ({
      x,
      y: 50 + slope * x + next() * 4 + (x % 9 === 0 ? 500 : 0),
    }))
  expect(theilSen(series(0.5))).toBeCloseTo(0.5, 1)
  expect(theilSen(series(0))).toBeCloseTo(0, 1)
})

test('a single outlier that would tilt a line by least squares does not count', () => {
  const flat = Array.from({ length: 20 }, (_, x) => ({ x, y: x === 19 ? 1e9 : 10 }))
  expect(theilSen(flat)).toBe(0)
})

test('fewer than two points have no trend', () => {
  expect(theilSen([])).toBe(0)
  expect(theilSen([{ x: 1, y: 5 }])).toBe(0)
})

test('the median is the middle one, or between the two', () => {
  expect(median([])).toBeUndefined()
  expect(median([9, 1, 5])).toBe(5)
  expect(median([4, 1, 2, 3])).toBe(2.5)
})
