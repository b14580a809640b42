import { expect, test } from 'vitest'
import { within } from './within.ts'

test('what a source tells', async () => {
  expect(await within(60_000, Promise.resolve([1]), [])).toEqual([1])
})

test('a source that fails, or never answers, tells nothing', async () => {
  expect(await within(60_000, Promise.reject(new Error('EACCES')), [])).toEqual([])
  expect(await within(1, new Promise<number[]>(() => {}), [])).toEqual([])
})
