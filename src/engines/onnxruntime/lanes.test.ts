import { expect, test } from 'vitest'
import { laneThreads } from './lanes.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

test.each([
  { threads: 1, lanes: [1] },
  { threads: 3, lanes: [1, 1, 1] },
  { threads: 12, lanes: Array(12).fill(1) },
])('a small model on $threads threads', ({ threads, lanes }) => {
  expect(laneThreads(threads, 17 * MIB, 16 * GIB)).toEqual(lanes)
})

test.each([
  { what: 'a larger model', weights: 110 * MIB, free: 16 * GIB, lanes: [3, 3, 3, 3] },
  { what: 'a large one', weights: 570 * MIB, free: 64 * GIB, lanes: [12] },
  { what: 'little free memory', weights: 17 * MIB, free: 2 * GIB, lanes: [4, 4, 4] },
  { what: 'no free memory', weights: 17 * MIB, free: 0, lanes: [12] },
])('$what has as many as the memory holds, on all 12 threads', ({ weights, free, lanes }) => {
  expect(laneThreads(12, weights, free)).toEqual(lanes)
})
