import { expect, test } from 'vitest'
import { BoundedCache } from './bounded-cache.ts'

test('holds at most its limit and keeps what is asked for', () => {
  const cache = new BoundedCache<number>(10)
  for (let i = 0; i < 1000; i++) {
    cache.set(`key ${i}`, i)
    expect(cache.get('key 0')).toBe(0)
    expect(cache.size).toBeLessThanOrEqual(10)
  }
  expect(cache.get('key 999')).toBe(999)
  expect(cache.get('key 5')).toBeUndefined()
})
