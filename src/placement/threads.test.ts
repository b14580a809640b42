import { expect, test } from 'vitest'
import { shareThreads } from './threads.ts'

test.each([
  { cores: 2, reserveCores: 1, each: 1 },
  { cores: 1, reserveCores: 1, each: 1 },
  { cores: 20, reserveCores: 1, each: 9 },
  { cores: 20, reserveCores: 8, each: 6 },
])('$cores cores, $reserveCores reserved: $each for each of two workers', ({ cores, reserveCores, each }) => {
  expect(shareThreads(['chat', 'embed'], { cores, reserveCores })).toEqual({ chat: each, embed: each })
})

test('one worker alone gets everything but the reserve', () => {
  expect(shareThreads(['embed'], { cores: 8, reserveCores: 1 })).toEqual({ embed: 7 })
})
