import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseBuckets, planBuckets } from './buckets.ts'

test.each([
  [[128, 256, 512], 512, [128, 256, 512]],
  [[128, 256, 512], 8192, [128, 256, 512]], // longer texts are cut, and said to be
  [[512, 128, 256], 300, [128, 256, 300]],
  [[128, 256, 512], 64, [64]],
  [[160, 160], 512, [160]],
])('of %j a model of %i tokens gets %j', (wanted, limit, expected) => {
  expect(chooseBuckets(wanted, limit)).toEqual(expected)
})

test('every row is in the smallest bucket that holds it, once, in batches that are not too large', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 512 }), { maxLength: 100 })
  const buckets = [32, 128, 160, 512]
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 9 }), (list, batch) => {
      const batches = planBuckets(list, buckets, batch)
      expect(batches.flatMap(({ rows }) => rows).sort((a, b) => a - b)).toEqual(list.map((_, i) => i))
      for (const { bucket, rows } of batches) {
        expect(rows.length).toBeLessThanOrEqual(batch)
        for (const row of rows) {
          expect(list[row]).toBeLessThanOrEqual(buckets[bucket]!)
          expect(list[row]).toBeGreaterThan(buckets[bucket - 1] ?? 0)
        }
      }
    }),
  )
})

test('a row that no bucket holds is an error, never cut in silence', () => {
  expect(() => planBuckets([10, 600], [128, 512], 1)).toThrow('600 tokens')
})
