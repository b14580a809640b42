import { expect, test } from 'vitest'
import { LoadProgress } from './load-progress.ts'

function told(heard: readonly (readonly [atMs: number, share: number])[]): number[] {
  const all: number[] = []
  let nowMs = 0
  const progress = new LoadProgress(
    (share) => all.push(share),
    () => nowMs,
  )
  for (const [atMs, share] of heard) {
    nowMs = atMs
    progress.heard(share)
  }
  return all
}

test('thousands of words in a second become a few', () => {
  const heard = Array.from({ length: 4000 }, (_, at) => [at / 4, at / 4000] as const)
  expect(told(heard)).toHaveLength(4)
})

test('the end is told at once, and once', () => {
  expect(
    told([
      [0, 0.5],
      [1, 0.9],
      [2, 1],
      [3, 1],
      [999, 1],
    ]),
  ).toEqual([0.5, 1])
})

test('never less than before, nothing that is no share', () => {
  expect(
    told([
      [0, Number.NaN],
      [300, 0],
      [600, 0.6],
      [900, 0.4],
      [1200, -1],
      [1500, 0.7],
      [1800, 7],
    ]),
  ).toEqual([0.6, 0.7, 1])
})
