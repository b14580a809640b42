import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keychainKey } from './key-memory.ts'
import { readKeychain } from './keychain.ts'

vi.mock('./keychain.ts')
const read = vi.mocked(readKeychain)

const { signal } = new AbortController()
const keyOf = (name: string, by = signal) => keychainKey(name, { env: {}, platform: 'linux', signal: by })
const MINUTE = 60_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
  read.mockReset()
})

test('an entry is read once, however often and how many at once ask for it', async () => {
  read.mockResolvedValue('secret')
  expect(await Promise.all([keyOf('a'), keyOf('a')])).toEqual(['secret', 'secret'])
  vi.advanceTimersByTime(1_000 * MINUTE)
  expect(await keyOf('a')).toBe('secret')
  expect(read).toHaveBeenCalledTimes(1)
  await keyOf('b')
  expect(read).toHaveBeenCalledTimes(2)
})

test.each([
  ['missing', () => Promise.resolve(undefined)],
  ['unreadable', () => Promise.reject(new Error('locked'))],
])('one that is %s is read again after minutes', async (name, reading) => {
  read.mockImplementation(reading)
  const ask = () => keyOf(name).catch((thrown: Error) => thrown.message)
  const first = await ask()
  vi.advanceTimersByTime(4 * MINUTE)
  expect(await ask()).toBe(first)
  expect(read).toHaveBeenCalledTimes(1)
  read.mockResolvedValue('secret')
  vi.advanceTimersByTime(2 * MINUTE)
  expect(await ask()).toBe('secret')
})

test('a reading that was aborted counts as none', async () => {
  read.mockRejectedValueOnce(new Error('aborted')).mockResolvedValueOnce('secret')
  await expect(keyOf('c', AbortSignal.abort())).rejects.toThrow('aborted')
  expect(await keyOf('c')).toBe('secret')
})
