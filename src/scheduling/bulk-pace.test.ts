import { spawn } from 'node:child_process'
import { cpus } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import { startWorker, type Worker } from '../workers/index.ts'
import { bulkShareFor, paceBulk } from './bulk-pace.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task()
})

test('bulk takes all of its time while others are calm, a fifth while they need all', () => {
  expect([0, 0.4, 0.65, 0.9, 1].map(bulkShareFor).map((share) => share.toFixed(2))).toEqual([
    '1.00',
    '1.00',
    '0.60',
    '0.20',
    '0.20',
  ])
})

test('programs of the user slow bulk down', async () => {
  for (const _ of cpus()) {
    const busy = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
    cleanUp.push(() => busy.kill('SIGKILL'))
  }
  const shares: number[] = []
  cleanUp.push(paceBulk({ workers: () => [], pace: (share) => shares.push(share) }))
  await expect.poll(() => Math.min(1, ...shares)).toBeLessThan(0.5)
})

test('a worker tells what it takes of the processors, over all its lives', async () => {
  const worker: Worker = startWorker(fakeWorker('embed', 'cpu', { lastPlacement: true }))
  cleanUp.push(() => worker.stop(0))
  const { pid } = await worker.ready()
  await expect.poll(() => worker.cpuMs).toBeGreaterThan(0)
  const before = worker.cpuMs
  process.kill(pid!, 'SIGKILL')
  await expect.poll(() => worker.info?.pid).not.toBe(pid)
  await worker.ready()
  expect(worker.cpuMs).toBeGreaterThanOrEqual(before)
})
