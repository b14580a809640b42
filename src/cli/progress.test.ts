import { expect, test } from 'vitest'
import { progressText } from './progress.ts'

const counts = { name: 'demo', path: '/demo', files: 8, chunks: 40, embedded: 0, state: 'indexing' as const }
const progress = {
  phase: 'embedding' as const,
  filesTotal: 20,
  filesDone: 20,
  filesSkipped: 0,
  chunksPending: 30,
  chunksEmbedded: 10,
  chunksPerSecond: 41.6,
  remainingS: 75,
}

test('a bar, files, chunks a second, remaining time', () => {
  const bar = `${'#'.repeat(6)}${'.'.repeat(18)}`
  expect(progressText({ ...counts, progress }, 200)).toBe(
    `demo: [${bar}] 25 %, 20/20 files, 42 chunks/s, 1 min 15 s left`,
  )
})

test('files that are not read yet count as not done, and nothing exceeds the whole', () => {
  expect(progressText({ ...counts, progress: { ...progress, filesDone: 10 } }, 200)).toContain('] 12 %,')
  expect(
    progressText({ ...counts, progress: { ...progress, filesDone: 90, chunksPending: 0 } }, 200),
  ).toContain('] 100 %,')
})

test('nothing is invented while nothing is known', () => {
  expect(progressText(counts, 200)).toBe('demo: reading files, 8 files')
  const { remainingS: _, ...unknown } = { ...progress, chunksPerSecond: 0, filesTotal: 0, chunksPending: 0 }
  expect(progressText({ ...counts, progress: unknown }, 200)).not.toMatch(/NaN|Infinity|left|chunks\/s/)
})

test('it fits the terminal', () => {
  expect(progressText({ ...counts, progress }, 40)).toHaveLength(40)
})
