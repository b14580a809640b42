import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import { isRunning } from '../../test/processes.ts'
import { chat, failure, nextState, start, texts } from './worker.suite.ts'

/** A worker that works may stand still for a second on a busy machine. */
const QUICK = { silenceMs: 700, probeMs: 1_500, hangMs: 60_000 }

describe.skipIf(process.platform === 'win32')('[failure-domains] a worker that hangs', () => {
  test('SIGSTOP while it embeds: killed and replaced, the call fails with WORKER_LOST', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { limits: QUICK }))
    const { pid } = await worker.ready()
    const error = await failure(worker.embed(texts('fault:stop'), { expectedMs: 10 }))
    expect(error).toMatchObject({ code: 'WORKER_LOST', message: expect.stringMatching(/no sign of life/) })
    expect(isRunning(pid!)).toBe(false)
    expect((await worker.ready()).pid).not.toBe(pid)
    expect((await worker.embed(texts('next'))).dimensions).toBe(8)
  })

  test('SIGSTOP in the middle of a stream is seen by the pace of the stream, without an estimate', async () => {
    const worker = start(fakeWorker('chat', 'cpu', { limits: QUICK }))
    const { pid } = await worker.ready()
    const error = await failure(worker.chat(chat('w w w w w fault:stop w'), () => {}))
    expect(error.message).toMatch(/no sign of life/)
    expect((await worker.ready()).pid).not.toBe(pid)
  })

  test('an engine that never returns while its process answers: killed later', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { limits: QUICK }))
    const { pid } = await worker.ready()
    const error = await failure(worker.embed(texts('fault:deaf'), { expectedMs: 10 }))
    expect(error.message).toMatch(/its process answers, but its engine made no progress/)
    expect((await worker.ready()).pid).not.toBe(pid)
  })

  test('a slow one that was expected to be slow is left alone; so is one that was idle for long', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { limits: QUICK }))
    const { pid } = await worker.ready()
    await worker.embed(texts('fault:slow:2500'), { expectedMs: 500 }) // silent for longer than one of whom nothing is expected may be
    await sleep(1_000)
    await worker.embed(texts('a'), { expectedMs: 1 })
    expect(worker.info?.pid).toBe(pid)
  })

  test('a parent whose event loop was blocked does not take it for silence', async () => {
    const worker = start(fakeWorker('chat', 'cpu', { limits: QUICK }))
    const { pid } = await worker.ready()
    let words = 0
    const onDelta = () => {
      words += 1
      if (words === 5) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000)
    }
    await worker.chat(chat('w '.repeat(100)), onDelta)
    expect(worker.info?.pid).toBe(pid)
  })
})

describe('[failure-domains] garbage on the channel', () => {
  test.each([
    ['fault:bytes', /garbage to its channel: Unable to deserialize/],
    ['fault:length', /garbage to its channel: a message of 4294967295 bytes/],
    ['fault:message', /garbage to its channel: a message of an unknown form: type "delta"/],
    ['fault:word', /garbage to its channel: a message of an unknown form: type "nonsense"/],
  ])('%s kills that worker with a reason, and nothing is thrown here', async (text, why) => {
    const worker = start(fakeWorker('embed'))
    const { pid } = await worker.ready()
    const restarting = nextState(worker, 'restarting')
    const error = await failure(worker.embed(texts(text, 'fault:slow:60000')))
    expect(error).toMatchObject({ code: 'WORKER_LOST', message: expect.stringMatching(why) })
    expect((await restarting).error?.message).toMatch(why)
    expect((await worker.ready()).pid).not.toBe(pid)
    expect((await worker.embed(texts('next'))).dimensions).toBe(8)
  })
})

describe('too little memory', () => {
  test('told by the engine: the call says so, and the process is replaced', async () => {
    const worker = start(fakeWorker('embed', 'gpu0'))
    const { pid } = await worker.ready()
    const restarting = nextState(worker, 'restarting')
    const error = await failure(worker.embed(texts('fault:memory')))
    expect(error.code).toBe('DEVICE_OUT_OF_MEMORY')
    expect(error.message).toMatch(/not enough memory for fake \(Array buffer allocation failed\)/)
    expect((await restarting).error?.code).toBe('DEVICE_OUT_OF_MEMORY')
    expect((await worker.ready()).pid).not.toBe(pid)
  })

  test.each([true, false])(
    'a second time: quarantined unless it is the last placement (%s)',
    async (last) => {
      const worker = start(fakeWorker('embed', 'cpu', { lastPlacement: last }))
      const events: [string, boolean][] = []
      worker.onEvent(({ state, error, retryInMs }) => {
        if (state !== 'ready')
          events.push([state, error?.code === 'DEVICE_OUT_OF_MEMORY' && retryInMs !== undefined])
      })
      for (const fault of ['fault:heap', 'fault:memory']) {
        await worker.ready()
        await failure(worker.embed(texts(fault)))
        await expect.poll(() => worker.info).toBe(undefined)
      }
      expect(events).toEqual([
        ['restarting', true],
        [last ? 'restarting' : 'quarantined', true],
      ])
    },
  )

  test.skipIf(process.platform !== 'linux')('a hog is replaced before the system swaps', async () => {
    const worker = start(
      fakeWorker('embed', 'cpu', { memoryLimitBytes: 400 * 2 ** 20, limits: { memoryWatchMs: 50 } }),
    )
    const { pid } = await worker.ready()
    const restarting = nextState(worker, 'restarting')
    const error = await failure(worker.embed(texts('fault:hog:500', 'fault:slow:60000')))
    expect(error.code).toBe('WORKER_LOST')
    expect(error.message).toMatch(/its process has \d+ MiB, 400 are allowed/)
    expect((await restarting).error?.code).toBe('DEVICE_OUT_OF_MEMORY')
    expect((await worker.ready()).pid).not.toBe(pid)
  })
})

describe('the breaker', () => {
  const limits = { firstRestartMs: 1, quarantineAfter: 2, probeAfterMs: 50 }

  test('a slow start within its bound is no failure', async () => {
    const worker = start(fakeWorker('embed', 'gpu0', { loadFault: 'fault:slow:700', limits }))
    const states: string[] = []
    worker.onEvent(({ state }) => states.push(state))
    await worker.ready()
    expect(states).toEqual(['ready'])
  })

  test('after a quarantine the first answer closes it, the first failure opens it for longer', async () => {
    const worker = start(fakeWorker('embed', 'gpu0', { limits }))
    await worker.ready()
    await failure(worker.embed(texts('fault:crash')))
    await worker.ready()
    const quarantined = nextState(worker, 'quarantined')
    const probe = nextState(worker, 'ready')
    await failure(worker.embed(texts('fault:crash')))
    const first = await quarantined
    expect(first).toMatchObject({ error: { code: 'WORKER_LOST' }, retryInMs: expect.any(Number) })
    expect((await probe).probing).toBe(true)

    const again = nextState(worker, 'quarantined')
    const secondProbe = nextState(worker, 'ready')
    await failure(worker.embed(texts('fault:error')))
    const second = await again
    expect(second.error?.message).toMatch(/first call after a quarantine failed/)
    expect(second.retryInMs).toBeGreaterThanOrEqual(75) // twice as long, less a quarter

    await secondProbe
    await worker.embed(texts('fine'))
    await failure(worker.embed(texts('fault:error')))
    expect(worker.state).toBe('ready')
  })

  test('[failure-domains] after a good life the next one starts at once', async () => {
    const worker = start(fakeWorker('embed', 'gpu0', { limits: { goodLifeMs: 50, firstRestartMs: 60_000 } }))
    const { pid } = await worker.ready()
    await worker.embed(texts('fault:slow:100'))
    const restarting = nextState(worker, 'restarting')
    process.kill(pid!, 'SIGKILL')
    expect((await restarting).retryInMs).toBe(0)
    expect((await worker.ready()).pid).not.toBe(pid)
  })
})
