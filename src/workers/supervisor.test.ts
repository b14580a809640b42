import { constants, getPriority } from 'node:os'
import { describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import { isRunning, runningInGroup } from '../../test/processes.ts'
import { type ChatDelta, TandemError } from '../domain/index.ts'
import { chat, failure, nextState, start, texts } from './worker.suite.ts'

test('what the process prints is heard', async () => {
  let heard = ''
  const worker = start(
    fakeWorker('embed', 'cpu', { lastPlacement: true, onOutput: (text) => (heard += text) }),
  )
  await worker.ready()
  await failure(worker.embed(texts('fault:crash')))
  expect(heard).toContain('fake device lost')
})

test('a worker in the background gives way to programs of usual priority, also after a restart', async () => {
  const worker = start(fakeWorker('embed', 'cpu', { lastPlacement: true, background: true }))
  const niceOf = async () => getPriority((await worker.ready()).pid)
  expect(await niceOf()).toBe(constants.priority.PRIORITY_BELOW_NORMAL)
  await failure(worker.embed(texts('fault:crash')))
  expect(await niceOf()).toBe(constants.priority.PRIORITY_BELOW_NORMAL)
  const other = start(fakeWorker('embed', 'gpu0'))
  expect(getPriority((await other.ready()).pid)).toBe(getPriority())
})

test('how far a load is is told while it goes on, also of the next life, and no longer', async () => {
  const options = fakeWorker('embed', 'cpu', { lastPlacement: true })
  const worker = start({ ...options, spec: { ...options.spec, settings: { shares: [0.25, 0.5, 1] } } })
  const heard: (number | undefined)[] = []
  worker.onLoading(({ progress }) => heard.push(progress))
  expect(worker.loading).toEqual({ ms: expect.any(Number) })
  await expect.poll(() => worker.loading?.progress).toBe(0.5)
  await worker.ready()
  expect(worker.loading).toBeUndefined()
  expect(heard).toEqual([0.25, 0.5, 1])
  await failure(worker.embed(texts('fault:crash')))
  await expect.poll(() => worker.loading?.progress).toBe(0.25)
  expect(worker.state).toBe('restarting')
  await worker.ready()
  expect(heard).toEqual([0.25, 0.5, 1, 0.25, 0.5, 1])
  await worker.stop(0)
  expect(worker.loading).toBeUndefined()
})

describe('compute threads of a running worker', () => {
  /** A worker that prints its threads, and the lines that it printed. */
  async function telling(task: 'embed' | 'chat', tell: true | 'failing' = true) {
    let heard = ''
    const options = fakeWorker(task, 'cpu', { lastPlacement: true, onOutput: (text) => (heard += text) })
    const worker = start({ ...options, spec: { ...options.spec, threads: 3, settings: { tell } } })
    return { worker, lines: () => heard.split('\n').filter((line) => line !== '') }
  }

  test.each(['embed', 'chat'] as const)(
    'of %s are changed, and kept over a crash; the block stays',
    async (task) => {
      const { worker, lines } = await telling(task)
      await worker.ready()
      worker.setThreads(5)
      worker.setThreads(5)
      expect(worker.threads).toBe(5)
      await expect.poll(lines).toEqual(['loaded: 3 threads, block for 3', 'now: 5 threads'])
      process.kill((await worker.ready()).pid!, 'SIGKILL')
      await nextState(worker, 'ready')
      await expect.poll(lines).toContain('loaded: 5 threads, block for 3')
    },
  )

  test('that change while it loads are given when it has loaded', async () => {
    const { worker, lines } = await telling('embed')
    worker.setThreads(7)
    await worker.ready()
    await expect.poll(lines).toEqual(['loaded: 3 threads, block for 3', 'now: 7 threads'])
  })

  test('between two batches: what an encoder is told meanwhile counts once, the last', async () => {
    const { worker, lines } = await telling('embed')
    await worker.ready()
    const slow = worker.embed(texts('fault:slow:200'))
    for (const threads of [4, 5, 6]) worker.setThreads(threads)
    await slow
    await expect.poll(lines).toEqual(['loaded: 3 threads, block for 3', 'now: 6 threads'])
  })

  test('that the engine cannot have: it says so and goes on', async () => {
    const { worker, lines } = await telling('embed', 'failing')
    await worker.ready()
    worker.setThreads(5)
    await expect
      .poll(() => lines().join())
      .toMatch(/keeps its compute threads: .*no room for another session/)
    expect((await worker.embed(texts('a'))).dimensions).toBe(8)
  })
})

describe('a worker that rests', () => {
  test('its process ends, it is no failure, and a call that comes wakes it', async () => {
    const worker = start(fakeWorker('embed'))
    const states: string[] = []
    worker.onEvent(({ state, resting }) => states.push(resting ? 'resting' : state))
    const { pid } = await worker.ready()
    expect(worker.rest()).toBe(true)
    expect([worker.state, worker.resting, worker.info]).toEqual(['stopped', true, undefined])
    await expect.poll(() => isRunning(pid!)).toBe(false)
    const again = await worker.ready()
    expect(again.pid).not.toBe(pid)
    expect((await worker.embed(texts('a'))).dimensions).toBe(8)
    expect(states).toEqual(['ready', 'resting', 'starting', 'ready'])
  })

  test('it does not rest while it answers, and a stop ends it for good', async () => {
    const worker = start(fakeWorker('embed'))
    const { pid } = await worker.ready()
    const call = worker.embed(texts('fault:slow:100'))
    expect(worker.rest()).toBe(false)
    await call
    expect(worker.rest()).toBe(true)
    await worker.stop(1000)
    expect(isRunning(pid!)).toBe(false)
    worker.wake()
    expect([worker.state, (await failure(worker.ready())).code]).toEqual(['stopped', 'SHUTTING_DOWN'])
  })
})

describe('admission', () => {
  test('[vector-safe] nobody is answered before the check is done', async () => {
    const seen: number[] = []
    let release = () => {}
    const checked = new Promise<void>((resolve) => {
      release = resolve
    })
    let reached = () => {}
    const asked = new Promise<void>((resolve) => {
      reached = resolve
    })
    const worker = start(
      fakeWorker('embed', 'cpu', {
        admit: async (embed) => {
          seen.push((await embed(['a', 'b'])).vectors.length)
          reached()
          await checked
        },
      }),
    )
    await asked
    expect(worker.state).toBe('starting')
    expect(await failure(worker.embed(texts('early')))).toMatchObject({ code: 'STARTING' })
    release()
    await worker.ready()
    expect(seen).toEqual([16])
    expect((await worker.embed(texts('late'))).tokens).toEqual([4])
  })

  test('[vector-safe] a worker whose vectors differ stops for good, with the reason', async () => {
    const mismatch = new TandemError('VECTOR_MISMATCH', {
      engine: 'fake',
      cosine: 0.5,
      madeBy: 'x',
      file: 'y',
    })
    let tries = 0
    const worker = start(
      fakeWorker('embed', 'cpu', {
        lastPlacement: true,
        admit: async () => {
          tries += 1
          throw mismatch
        },
      }),
    )
    expect(await failure(worker.ready())).toBe(mismatch)
    expect(worker.state).toBe('stopped')
    expect(await failure(worker.embed(texts('a')))).toBe(mismatch)
    expect(tries).toBe(1)
  })

  test('a process that dies during its check is started again', async () => {
    let lives = 0
    const worker = start(
      fakeWorker('embed', 'cpu', {
        lastPlacement: true,
        admit: async (embed) => void (await embed([lives++ === 0 ? 'fault:crash' : 'fine'])),
      }),
    )
    await worker.ready()
    expect(lives).toBe(2)
  })
})

describe('a worker that works', () => {
  test('is ready after one answer, and says what it loaded', async () => {
    const worker = start(fakeWorker('embed'))
    expect(worker.state).toBe('starting')
    const info = await worker.ready()
    expect(info).toMatchObject({ engineVersion: 'fake 1', dimensions: 8, maxTokens: 512 })
    expect(isRunning(info.pid!)).toBe(true)
    expect(worker.state).toBe('ready')
  })

  test('embeds: vectors cross as floats, in order', async () => {
    const worker = start(fakeWorker('embed'))
    await worker.ready()
    const both = await worker.embed(texts('a', 'the second'))
    const second = await worker.embed(texts('the second'))
    expect(both.vectors).toBeInstanceOf(Float32Array)
    expect(both.vectors.subarray(8)).toEqual(second.vectors)
    expect(both.tokens).toEqual([1, 10])
  })

  test('streams a chat: the deltas are the text', async () => {
    const worker = start(fakeWorker('chat'))
    await worker.ready()
    const deltas: ChatDelta[] = []
    const pending = worker.chat(chat('one two three'), (delta) => deltas.push(delta))
    expect(worker.state).toBe('busy')
    const result = await pending
    expect(deltas.map((delta) => (delta.type === 'text' ? delta.text : '')).join('')).toBe('one two three')
    expect(result.text).toBe('one two three')
    expect(await worker.countTokens(['a b', 'c'])).toEqual([2, 1])
    expect(await worker.countPrompt([{ role: 'user', content: 'a b c' }], [])).toEqual({
      tokens: 3,
      estimated: false,
    })
    expect(await worker.tokenize({ text: 'one three', add: false, parse: false })).toEqual([3, 5])
    expect(await worker.detokenize([1, 2])).toBe('x xx')
  })

  test('interactive embeddings overtake bulk ones that wait at the child', async () => {
    const worker = start(fakeWorker('embed'))
    await worker.ready()
    const order: string[] = []
    const call = (name: string, priority: 'bulk' | 'interactive') =>
      worker.embed(texts('fault:slow:50'), { priority }).then(() => order.push(name))
    await Promise.all([call('bulk 1', 'bulk'), call('bulk 2', 'bulk'), call('person', 'interactive')])
    expect(order).toEqual(['bulk 1', 'person', 'bulk 2'])
  })

  test('a waiting bulk call gets its turn among endless interactive ones', async () => {
    const worker = start(fakeWorker('embed'))
    await worker.ready()
    let bulkDone = false
    let interactive = 0
    const person = async () => {
      while (!bulkDone && interactive < 100) {
        await worker.embed(texts('fault:slow:5'))
        interactive += 1
      }
    }
    const people = [person(), person(), person()]
    await worker.embed(texts('bulk'), { priority: 'bulk' })
    bulkDone = true
    await Promise.all(people)
    expect(interactive).toBeLessThan(20)
  })
})

describe('errors of the engine', () => {
  test.each([
    ['fault:error', /it does not work/],
    ['fault:garbage:count', /2 vectors for 1 inputs/],
    ['fault:garbage:nan', /NaN/],
    ['fault:garbage:infinite', /infinity/],
    ['fault:garbage:zeros', /nothing but zeros/],
    ['fault:garbage:nothing', /holds no vectors/],
    ['fault:garbage:plain', /holds no vectors/],
    ['fault:garbage:tokens', /token count/],
    ['fault:garbage:cut', /cut input/],
  ])('%s', async (text, message) => {
    const worker = start(fakeWorker('embed'))
    await worker.ready()
    const error = await failure(worker.embed(texts(text)))
    expect(error).toMatchObject({ name: 'TandemError', code: 'ENGINE_FAILED' })
    expect(error.message).toMatch(message)
    expect((await worker.embed(texts('next'))).dimensions).toBe(8)
  })

  test.each([
    ['fault:garbage:nan', /NaN/],
    ['fault:garbage:width', /rows of scores of 2/],
    ['fault:garbage:count', /2 rows of scores for 1 inputs/],
  ])('scores: %s', async (text, message) => {
    const worker = start(fakeWorker('rerank'))
    await worker.ready()
    const request = { model: 'fake', inputs: [{ query: 'q', text }] }
    const error = await failure(worker.score(request))
    expect(error.code).toBe('ENGINE_FAILED')
    expect(error.message).toMatch(message)
  })

  test('a chat that ends without what an end has', async () => {
    const worker = start(fakeWorker('chat'))
    await worker.ready()
    const error = await failure(worker.chat(chat('garbage:end'), () => {}))
    expect(error).toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringMatching(/no end of a chat/) })
  })

  test('the wrong kind of call is refused by name', async () => {
    const worker = start(fakeWorker('embed'))
    await worker.ready()
    expect((await failure(worker.chat(chat('hi'), () => {}))).message).toMatch(/this worker embeds/)
  })
})

describe('cancel and deadline', () => {
  test('a cancelled chat ends at once and leaves the worker free', async () => {
    const worker = start(fakeWorker('chat'))
    await worker.ready()
    const abort = new AbortController()
    const pending = worker.chat(chat('one fault:slow:60000'), () => abort.abort(), { signal: abort.signal })
    expect((await failure(pending)).code).toBe('CANCELLED')
    await expect.poll(() => worker.state).toBe('ready')
  })

  test('a deadline fails the call; the child lets go of it', async () => {
    const worker = start(fakeWorker('embed'))
    await worker.ready()
    const released = new Promise<void>((onReleased) => {
      const slow = worker.embed(texts('fault:slow:60000'), { deadlineMs: 50, onReleased })
      void failure(slow).then((error) => expect(error).toMatchObject({ code: 'DEADLINE' }))
    })
    await released
    expect(worker.state).toBe('ready')
  })

  test('an aborted signal never reaches the child', async () => {
    const worker = start(fakeWorker('embed'))
    await worker.ready()
    const error = await failure(worker.embed(texts('fault:crash'), { signal: AbortSignal.abort() }))
    expect(error.code).toBe('CANCELLED')
    expect(worker.state).toBe('ready')
  })

  test.each(['fault:hang', 'fault:deaf'])(
    '%s: a child that ignores a cancel is killed and restarted',
    async (fault) => {
      const worker = start(fakeWorker('embed', 'cpu', { limits: { hangMs: 300 } }))
      const { pid } = await worker.ready()
      const restarting = nextState(worker, 'restarting')
      expect((await failure(worker.embed(texts(fault), { deadlineMs: 50 }))).code).toBe('DEADLINE')
      expect((await restarting).error?.message).toMatch(/hangs/)
      const again = await worker.ready()
      expect(again.pid).not.toBe(pid)
      expect(isRunning(pid!)).toBe(false)
    },
  )
})

describe('crashes', () => {
  test('a crash fails what runs with the last lines printed, and restarts', async () => {
    const worker = start(fakeWorker('embed', 'npu0'))
    const { pid } = await worker.ready()
    const first = failure(worker.embed(texts('fault:slow:50', 'fault:crash:7')))
    const behind = failure(worker.embed(texts('behind')))
    const error = await first
    expect(error.code).toBe('WORKER_LOST')
    expect(error.message).toMatch(/embed:fake:onnxruntime:npu0.*exit code 7.*fake device lost/)
    expect((await behind).code).toBe('WORKER_LOST')
    expect(worker.state).toBe('restarting')
    expect((await worker.ready()).pid).not.toBe(pid)
    expect((await worker.embed(texts('next'))).dimensions).toBe(8)
  })

  test('SIGKILL from outside is seen by the exit, not by a poll', async () => {
    const worker = start(fakeWorker('embed'))
    const { pid } = await worker.ready()
    const restarting = nextState(worker, 'restarting')
    process.kill(pid!, 'SIGKILL')
    expect((await restarting).error?.message).toMatch(/SIGKILL/)
  })

  test('crash at load: quarantined after some tries, ready() rejects, a probe follows', async () => {
    const limits = { firstRestartMs: 1, quarantineAfter: 3, probeAfterMs: 50 }
    const worker = start(fakeWorker('embed', 'gpu0', { loadFault: 'fault:crash', limits }))
    const quarantined = nextState(worker, 'quarantined')
    expect((await failure(worker.ready())).message).toMatch(/fake device lost/)
    await quarantined
    expect(worker.state).toBe('quarantined')
    await nextState(worker, 'quarantined') // the probe crashed as well
  })

  test("a task's last placement is never quarantined", async () => {
    const limits = { firstRestartMs: 1, quarantineAfter: 2 }
    const worker = start(
      fakeWorker('embed', 'cpu', { loadFault: 'fault:crash', limits, lastPlacement: true }),
    )
    const states: string[] = []
    worker.onEvent((event) => states.push(event.state))
    await expect.poll(() => states.length).toBeGreaterThan(3)
    expect(new Set(states)).toEqual(new Set(['restarting']))
  })

  test('a broken model file stops the worker for good', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { loadFault: 'fault:bad-file', lastPlacement: true }))
    expect((await failure(worker.ready())).code).toBe('MODEL_FILE_BAD')
    expect(worker.state).toBe('stopped')
    expect((await failure(worker.embed(texts('a')))).code).toBe('MODEL_FILE_BAD')
  })

  test('an engine that fails call after call is replaced', async () => {
    const worker = start(fakeWorker('embed'))
    const { pid } = await worker.ready()
    const restarting = nextState(worker, 'restarting')
    for (let i = 0; i < 5; i++)
      expect((await failure(worker.embed(texts('fault:error')))).code).toBe('ENGINE_FAILED')
    expect((await restarting).error?.message).toMatch(/5 failures in a row/)
    expect((await worker.ready()).pid).not.toBe(pid)
  })

  test('a start that takes too long is killed', async () => {
    const limits = { startTimeoutMs: 400, quarantineAfter: 1 }
    const worker = start(fakeWorker('embed', 'gpu0', { loadFault: 'fault:hang', limits }))
    expect((await failure(worker.ready())).message).toMatch(/not ready after 400 ms/)
    expect(worker.state).toBe('quarantined')
  })
})

describe('stop', () => {
  test.skipIf(process.platform !== 'linux')('ends the process and what it started', async () => {
    const worker = start(fakeWorker('embed'))
    const { pid } = await worker.ready()
    await worker.embed(texts('fault:child'))
    expect(runningInGroup(pid!)).toHaveLength(2)
    await worker.stop(5000)
    expect(worker.state).toBe('stopped')
    await expect.poll(() => runningInGroup(pid!)).toEqual([])
    expect((await failure(worker.ready())).code).toBe('SHUTTING_DOWN')
  })

  test('kills a child that hangs after the grace', async () => {
    const worker = start(fakeWorker('embed'))
    const { pid } = await worker.ready()
    const pending = failure(worker.embed(texts('fault:hang')))
    await worker.stop(100)
    expect((await pending).code).toBe('SHUTTING_DOWN')
    expect(isRunning(pid!)).toBe(false)
  })

  test('cancels a start', async () => {
    const worker = start(fakeWorker('embed', 'cpu', { loadFault: 'fault:hang' }))
    const ready = failure(worker.ready())
    await worker.stop(60_000)
    expect((await ready).code).toBe('SHUTTING_DOWN')
  })

  test('ends the wait for a restart', async () => {
    const worker = start(
      fakeWorker('embed', 'cpu', { limits: { firstRestartMs: 60_000, maxRestartMs: 60_000 } }),
    )
    const { pid } = await worker.ready()
    const restarting = nextState(worker, 'restarting')
    process.kill(pid!, 'SIGKILL')
    await restarting
    await worker.stop(0)
    expect(worker.state).toBe('stopped')
  })
})
