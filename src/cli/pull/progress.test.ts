import { expect, test } from 'vitest'
import { bytes } from '../print/table.ts'
import { PullProgress } from './progress.ts'

const at = (doneBytes: number, fetchedBytes: number, phase: 'fetching' | 'verifying' = 'fetching') => ({
  file: 'onnx/model.onnx',
  phase,
  doneBytes,
  totalBytes: 100_000_000,
  fetchedBytes,
})

test('share, bytes, the rate of the last seconds, time left', () => {
  const progress = new PullProgress('bge-small')
  expect(progress.textOf(at(40_000_000, 0), 5, 200)).toBe(
    `bge-small: [${'#'.repeat(10)}${'.'.repeat(14)}] 40 %, 40 MB of 100 MB`,
  )
  expect(progress.textOf(at(50_000_000, 10_000_000), 10, 200)).toContain('50 MB of 100 MB, 2 MB/s, 25 s left')
  expect(progress.textOf(at(90_000_000, 50_000_000), 20, 200)).toContain('4 MB/s, 3 s left') // the first seconds are forgotten
})

test('verifying names the file; it fits the terminal', () => {
  const progress = new PullProgress('bge-small')
  expect(progress.textOf(at(100_000_000, 1, 'verifying'), 1, 200)).toContain('verifying onnx/model.onnx')
  expect(progress.textOf(at(100_000_000, 1, 'verifying'), 1, 30)).toHaveLength(30)
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [12_345, '12.3 kB'],
  [999_600, '1 MB'],
  [17_515_367, '17.5 MB'],
  [4_683_074_240, '4.7 GB'],
])('%i bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text)
})
