import { describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import { answersWithoutProcess, failure, start, texts } from './worker.suite.ts'

const QUICK = { silenceMs: 200, probeMs: 200, hangMs: 60_000 }

describe('[failure-domains] a worker in a thread', () => {
  answersWithoutProcess('thread')

  test('ends alone, with what it printed, and is back', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { runsIn: 'thread', lastPlacement: true }))
    const other = start(fakeWorker('embed', 'gpu0', { runsIn: 'thread' }))
    await Promise.all([worker.ready(), other.ready()])
    const error = await failure(worker.embed(texts('fault:crash')))
    expect(error).toMatchObject({
      code: 'WORKER_LOST',
      message: expect.stringMatching(/exit code 3; it printed: fake device lost/),
    })
    expect((await other.embed(texts('a'))).dimensions).toBe(8)
    await worker.ready()
    expect((await worker.embed(texts('a'))).dimensions).toBe(8)
  })

  test('that throws where nobody catches it says what it threw', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { runsIn: 'thread' }))
    await worker.ready()
    const error = await failure(worker.embed(texts('fault:uncaught')))
    expect(error).toMatchObject({ code: 'WORKER_LOST', message: expect.stringMatching(/nobody caught this/) })
  })

  test('that never returns is ended', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { runsIn: 'thread', limits: QUICK }))
    await worker.ready()
    const error = await failure(worker.embed(texts('fault:hang'), { expectedMs: 10 }))
    expect(error).toMatchObject({ code: 'WORKER_LOST', message: expect.stringMatching(/it hangs/) })
    await worker.ready()
    expect((await worker.embed(texts('a'))).dimensions).toBe(8)
  })

  test('that takes ever more memory ends at its bound, and this process does not', {
    timeout: 120_000,
  }, async () => {
    const worker = start(fakeWorker('embed', 'cpu', { runsIn: 'thread' }))
    await worker.ready()
    const error = await failure(worker.embed(texts('fault:fill'), { expectedMs: 100_000 }))
    expect(error).toMatchObject({ code: 'WORKER_LOST', message: expect.stringMatching(/memory/) })
  })

  test('ends when it is told to', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { runsIn: 'thread' }))
    await worker.ready()
    await worker.stop(60_000)
    expect(worker.state).toBe('stopped')
  })
})
