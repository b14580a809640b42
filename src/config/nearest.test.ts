import { expect, test } from 'vitest'
import { editDistance, nearestNames } from './nearest.ts'

test.each([
  ['', '', 0],
  ['abc', '', 3],
  ['kitten', 'sitting', 3],
  ['embed', 'emebd', 1],
  ['chat', 'chat', 0],
])('the edit distance of %j and %j is %i', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance)
  expect(editDistance(b, a)).toBe(distance)
})

test('nearest names: nearest first, parts of a name count, a long name costs little', () => {
  const known = ['tandem-tiny-chat', 'tandem-embed-small', 'qwen2.5-coder-14b']
  expect(nearestNames('Tandem-tiny-caht', known)).toEqual(['tandem-tiny-chat'])
  expect(nearestNames('qwen', known)).toEqual(['qwen2.5-coder-14b'])
  expect(nearestNames('x'.repeat(1_000_000), known)).toEqual([])
})
