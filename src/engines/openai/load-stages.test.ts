import { expect, test } from 'vitest'
import { LoadStages, shareOf } from './load-stages.ts'

const ALL = ['text_model', 'spec_model', 'mmproj_model']

test.each([
  [['text_model'], 'text_model', 0.42, 0.42],
  [['text_model'], 'text_model', 1, 1],
  [ALL, 'text_model', 0.5, 0.4],
  [ALL, 'text_model', 1, 0.8],
  [ALL, 'spec_model', 0, 0.8],
  [ALL, 'spec_model', 0.5, 0.85],
  [ALL, 'mmproj_model', 1, 1],
])('of %j: %s at %d is %d of all', (stages, current, value, share) => {
  expect(shareOf({ stages, current, value })).toBeCloseTo(share)
})

test('a stage that it did not announce has no share', () => {
  expect(shareOf({ stages: ALL, current: 'lora', value: 0.5 })).toBeUndefined()
})

test('more stages than shares: it still only grows', () => {
  const stages = Array.from({ length: 20 }, (_, at) => `stage${at}`)
  const shares = stages.flatMap((current) => [0, 1].map((value) => shareOf({ stages, current, value })!))
  expect(shares).toEqual(shares.toSorted((a, b) => a - b))
  expect(shares.at(-1)).toBeCloseTo(1)
})

test('what is no progress is not read as one', () => {
  expect(LoadStages.safeParse({ stages: [], current: 'a', value: 0.5 }).success).toBe(false)
  expect(LoadStages.safeParse({ stages: ['a'], current: 'a', value: 2 }).success).toBe(false)
  expect(LoadStages.parse({ stages: ['a'], current: 'a' })).toMatchObject({ value: 0 })
})
