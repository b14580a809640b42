import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { Worker } from './index.ts'
import { answersWithoutProcess, chat, failure, nextState, start } from './worker.suite.ts'

const QUICK = { silenceMs: 50, hangMs: 60_000 }

describe('[failure-domains] a worker in this process', () => {
  answersWithoutProcess('here')

  test('a call that fails, or that is called off, fails alone', async () => {
    const worker = start(fakeWorker('chat', 'cpu', { runsIn: 'here' }))
    await worker.ready()
    const leaving = new AbortController()
    const slow = failure(worker.chat(chat('a fault:slow:60000 b'), () => {}, { signal: leaving.signal }))
    const whole = worker.chat(chat('a b c'), () => {})
    const wrong = failure(worker.chat(chat('a fault:error'), () => {}))
    expect(await wrong).toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringMatching(/it does not work/),
    })
    leaving.abort()
    expect(await slow).toMatchObject({ code: 'CANCELLED' })
    expect((await whole).text).toBe('a b c')
    expect(worker.state).toBe('ready')
  })

  test('whose server is gone is lost with all its calls, says why, and is back', async () => {
    const worker = start(fakeWorker('chat', 'cpu', { runsIn: 'here', lastPlacement: true }))
    await worker.ready()
    const restarting = nextState(worker, 'restarting')
    const waits = failure(worker.chat(chat('a fault:slow:60000'), () => {}))
    const lost = failure(worker.chat(chat('a fault:lost fault:slow:60000'), () => {}))
    for (const error of [await waits, await lost])
      expect(error).toMatchObject({
        code: 'WORKER_LOST',
        message: expect.stringMatching(/the fake server is gone/),
      })
    expect(await restarting).toMatchObject({ error: { code: 'WORKER_LOST' }, killed: false })
    await worker.ready()
    expect((await worker.chat(chat('a b'), () => {})).text).toBe('a b')
  })

  test.each<[string, (worker: Worker) => Promise<unknown>]>([
    ['its server is gone', (worker) => failure(worker.chat(chat('fault:lost fault:slow:60000'), () => {}))],
    ['it is stopped at once', (worker) => worker.stop(0)],
  ])('lets go of what it holds where %s', async (_, end) => {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-here-'))
    const endsIn = join(folder, 'ended')
    const options = fakeWorker('chat', 'cpu', { runsIn: 'here' })
    const worker = start({ ...options, spec: { ...options.spec, settings: { endsIn } } })
    await worker.ready()
    expect(existsSync(endsIn)).toBe(false)
    await end(worker)
    expect(existsSync(endsIn)).toBe(true)
    rmSync(folder, { recursive: true })
  })

  test('that makes no progress is let go of', async () => {
    const worker = start(fakeWorker('chat', 'cpu', { runsIn: 'here', limits: QUICK }))
    await worker.ready()
    const error = await failure(worker.chat(chat('a fault:deaf'), () => {}, { expectedMs: 10 }))
    expect(error).toMatchObject({ code: 'WORKER_LOST', message: expect.stringMatching(/it hangs/) })
    await worker.ready()
    expect((await worker.chat(chat('a b'), () => {})).text).toBe('a b')
  })

  test.each([
    ['while it loads', 'fault:slow:3600000'],
    ['while it answers', 'cpu'],
  ])('ends when it is told to, %s', async (_, loadFault) => {
    const worker = start(fakeWorker('chat', 'cpu', { runsIn: 'here', loadFault }))
    const asked = worker.ready().then(() => worker.chat(chat('fault:slow:3600000'), () => {}))
    const ended = failure(asked)
    if (loadFault === 'cpu') await worker.ready()
    await worker.stop(60_000)
    expect(await ended).toMatchObject({ code: 'SHUTTING_DOWN' })
    expect(worker.state).toBe('stopped')
  })
})
