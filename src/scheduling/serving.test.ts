import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { vectorOf } from '../../test/fakes/fault-engine.js'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { ChatDelta, ChatRequest, EmbedRequest, ServedBy } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import { bulk, failure, interactive, serve } from './serving.suite.ts'

const texts = (...inputs: string[]): EmbedRequest => ({ model: 'fake', inputs, purpose: 'passage' })
const chat = (content: string): ChatRequest => ({
  model: 'fake',
  messages: [{ role: 'user', content }],
  sampling: { stop: [] },
  responseFormat: { type: 'text' },
  tools: [],
  toolChoice: 'none',
})

const rows = (vectors: Float32Array, dimensions = 8) =>
  Array.from({ length: vectors.length / dimensions }, (_, i) =>
    vectors.slice(i * dimensions, (i + 1) * dimensions),
  )

describe('embeddings', () => {
  test('many texts of all lengths come back in their order', async () => {
    const { serving } = serve([fakeWorker('embed')])
    const inputs = Array.from({ length: 500 }, (_, i) => `text ${i} ${'x'.repeat((i * 37) % 700)}`)
    const { result, servedBy } = await serving.embed(texts(...inputs), bulk)
    expect(rows(result.vectors)).toEqual(inputs.map((input) => vectorOf(input)))
    expect(result.tokens).toEqual(inputs.map((input) => Math.min(512, input.length)))
    expect(result.truncated).toEqual(inputs.flatMap((input, i) => (input.length > 512 ? [i] : [])))
    expect(servedBy).toEqual({ model: 'fake', engine: 'onnxruntime', device: 'cpu', simulated: false })
  })

  test('concurrent single texts share batches, each gets its own vector', async () => {
    const { serving, workers } = serve([fakeWorker('embed')])
    await serving.ready()
    const calls: number[] = []
    const worker = workers[0] as Worker
    const embed = worker.embed.bind(worker)
    worker.embed = (request, options) => {
      calls.push(request.inputs.length)
      return embed(request, options)
    }
    const blocker = serving.embed(texts('fault:slow:50'), interactive)
    const many = Array.from({ length: 30 }, (_, i) => `text ${i}`)
    const answers = await Promise.all(many.map((text) => serving.embed(texts(text), interactive)))
    await blocker
    expect(answers.map(({ result }) => result.vectors)).toEqual(many.map((text) => vectorOf(text)))
    expect(calls).toEqual([1, 1, 29]) // one runs, one is ahead, the rest go together
  })

  test('queries and passages never share a batch', async () => {
    const { serving, workers } = serve([fakeWorker('embed')])
    await serving.ready()
    const purposes: string[] = []
    const worker = workers[0] as Worker
    const embed = worker.embed.bind(worker)
    worker.embed = (request, options) => {
      purposes.push(`${request.inputs.length} ${request.purpose}`)
      return embed(request, options)
    }
    await Promise.all([
      serving.embed(texts('fault:slow:50'), interactive),
      serving.embed(texts('fault:slow:50'), interactive),
      serving.embed(texts('a'), interactive),
      serving.embed({ ...texts('b'), purpose: 'query' }, interactive),
      serving.embed(texts('c'), interactive),
    ])
    expect(purposes).toEqual(['1 passage', '1 passage', '2 passage', '1 query'])
  })

  test('a person overtakes a running index', async () => {
    const { serving } = serve([fakeWorker('embed')])
    await serving.ready()
    const order: string[] = []
    const index = serving.embed(
      texts(
        ...Array.from({ length: 400 }, (_, i) => (i % 10 ? `chunk ${i} ${'y'.repeat(300)}` : 'fault:slow:5')),
      ),
      bulk,
    )
    const person = serving.embed(texts('who waits?'), interactive)
    await Promise.all([index.then(() => order.push('index')), person.then(() => order.push('person'))])
    expect(order).toEqual(['person', 'index'])
  })

  test('a text that the engine refuses fails alone', async () => {
    const { serving } = serve([fakeWorker('embed')])
    await serving.ready()
    const blockers = [1, 2].map(() => serving.embed(texts('fault:slow:50'), interactive))
    const good = ['a', 'b', 'c'].map((text) => serving.embed(texts(text), interactive))
    const bad = serving.embed(texts('fault:error'), interactive)
    expect((await failure(bad)).code).toBe('ENGINE_FAILED')
    expect((await Promise.all([...good, ...blockers])).length).toBe(5)
  })

  test.each([['fault:error'], ['fault:driver'], ['fault:memory']])(
    'what one engine fails on, the next placement embeds: %s',
    async (fault) => {
      const { serving, workers } = serve([fakeWorker('embed', 'npu0'), fakeWorker('embed', 'cpu')])
      await Promise.all(workers.map((worker) => worker.ready()))
      const first = workers[0] as Worker
      const embed = first.embed.bind(first)
      first.embed = (request, options) => embed({ ...request, inputs: [fault] }, options)
      const { result, servedBy } = await serving.embed(texts('a'), interactive)
      expect(result.vectors).toEqual(vectorOf('a'))
      expect(servedBy).toMatchObject({ device: 'cpu', fallback: 'onnxruntime on npu0 is failing' })
    },
  )

  test('no input is refused', async () => {
    const { serving } = serve([fakeWorker('embed')])
    expect((await failure(serving.embed(texts(), interactive))).code).toBe('INVALID_REQUEST')
  })
})

describe('lost workers', () => {
  test('embeddings wait for the restart of the only worker; the client sees no error', async () => {
    const { serving, workers } = serve([fakeWorker('embed')])
    await serving.ready()
    const pending = serving.embed(texts('fault:slow:500', 'b'), interactive)
    process.kill(workers[0]?.info?.pid as number, 'SIGKILL')
    const waiting = serving.embed(texts('c'), interactive)
    expect((await pending).result.tokens).toEqual([14, 1])
    expect((await waiting).result.vectors).toEqual(vectorOf('c'))
  })

  test('[no-silent-fallback] the next placement takes over, and says from what and why', async () => {
    const { serving, workers } = serve([fakeWorker('embed', 'npu0'), fakeWorker('embed', 'cpu')])
    await Promise.all(workers.map((worker) => worker.ready()))
    const pending = serving.embed(texts('fault:slow:500'), interactive)
    process.kill(workers[0]?.info?.pid as number, 'SIGKILL')
    const { servedBy } = await pending
    expect(servedBy).toMatchObject({ device: 'cpu', fallback: 'onnxruntime on npu0 is restarting' })
    await workers[0]?.ready()
    // bulk is never sent to a second worker because the first one is slow
    expect((await serving.embed(texts('b'), bulk)).servedBy).toMatchObject({ device: 'npu0' })
    expect((await serving.embed(texts('b'), bulk)).servedBy.fallback).toBeUndefined()
  })

  test('a text that kills every worker fails after three tries; its neighbours live', async () => {
    const { serving } = serve([fakeWorker('embed', 'cpu', { lastPlacement: true })])
    await serving.ready()
    const blocker = serving.embed(texts('fault:slow:50'), interactive)
    const killer = serving.embed(texts('fault:crash'), interactive)
    const neighbours = ['a', 'b'].map((text) => serving.embed(texts(text), interactive))
    const error = await failure(killer)
    expect(error.code).toBe('WORKER_LOST')
    expect(error.message).toMatch(/fake device lost/)
    expect(await Promise.all([blocker, ...neighbours])).toHaveLength(3)
  })

  test('a worker that is stopped for good: its error is told', async () => {
    const { serving } = serve([fakeWorker('embed', 'cpu', { loadFault: 'fault:bad-file' })])
    expect((await failure(serving.embed(texts('a'), interactive))).code).toBe('MODEL_FILE_BAD')
    expect((await failure(serving.ready())).code).toBe('MODEL_FILE_BAD')
    expect(serving.isReady()).toBe(false)
  })
})

describe('chats', () => {
  test('stream: served by comes before the first delta, deltas are the text', async () => {
    const { serving } = serve([fakeWorker('chat')])
    const seen: (ServedBy | string)[] = []
    const onServedBy = (served: ServedBy) => seen.push(served.device)
    const onDelta = (delta: ChatDelta) => seen.push(delta.type === 'text' ? delta.text : '')
    const { result } = await serving.chat(chat('one two'), { ...interactive, onServedBy }, onDelta)
    expect(seen).toEqual(['cpu', 'one', ' two'])
    expect(result.text).toBe('one two')
    const request = { model: 'fake', prompt: 'three', sampling: { stop: [] } }
    expect((await serving.complete(request, interactive, () => {})).result.text).toBe('three')
  })

  test('slots bound what decodes at once; a freed slot takes the next', async () => {
    const { serving } = serve([fakeWorker('chat')])
    await serving.ready()
    const chats = [1, 2, 3].map((n) => serving.chat(chat(`fault:slow:100 ${n}`), interactive, () => {}))
    expect(serving.workers()[0]).toMatchObject({ running: 2, queued: 1, state: 'busy' })
    expect(await Promise.all(chats)).toHaveLength(3)
  })

  test('a worker lost before the first delta: the chat is tried again', async () => {
    const { serving, workers } = serve([fakeWorker('chat', 'gpu0'), fakeWorker('chat', 'cpu')])
    await Promise.all(workers.map((worker) => worker.ready()))
    const pending = serving.chat(chat('fault:slow:300 hello'), interactive, () => {})
    process.kill(workers[0]?.info?.pid as number, 'SIGKILL')
    expect((await pending).servedBy).toMatchObject({
      device: 'cpu',
      fallback: 'onnxruntime on gpu0 is restarting',
    })
  })

  test('an abort ends the chat at once, frees its slot and leaves no listener', async () => {
    const { serving } = serve([fakeWorker('chat')])
    await serving.ready()
    const abort = new AbortController()
    const pending = serving.chat(
      chat('hello fault:slow:60000'),
      { ...interactive, signal: abort.signal },
      () => abort.abort(),
    )
    expect((await failure(pending)).code).toBe('CANCELLED')
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
    await expect.poll(() => serving.workers()[0]?.state).toBe('ready')
  })

  test('a reader that throws ends its chat, not the server', async () => {
    const { serving } = serve([fakeWorker('chat')])
    const broken = serving.chat(chat('a b'), interactive, () => {
      throw new Error('socket gone')
    })
    expect((await failure(broken)).message).toBe('socket gone')
    expect((await serving.chat(chat('next'), interactive, () => {})).result.text).toBe('next')
  })

  describe('with images', () => {
    const images = [{ at: 0, source: { type: 'image/png', base64: 'iVBORw0KGgo=' } }] as const
    const asked: ChatRequest = { ...chat('what'), messages: [{ role: 'user', content: 'what', images }] }
    const seeing = fakeWorker('chat', 'gpu0')
    const withImages = { ...seeing, spec: { ...seeing.spec, settings: { images: true } } }

    test('a worker that reads text only never gets it', async () => {
      const { serving, workers } = serve([fakeWorker('chat'), withImages])
      await Promise.all(workers.map((worker) => worker.ready()))
      for (let times = 0; times < 4; times++) {
        const { result, servedBy } = await serving.chat(asked, interactive, () => {})
        expect([result.text, servedBy.device]).toEqual(['what', 'gpu0'])
      }
      expect((await serving.chat(chat('text'), interactive, () => {})).servedBy.device).toBe('cpu')
    })

    test('nobody reads them: it is refused, and cannot be continued', async () => {
      const { serving, workers } = serve([fakeWorker('chat')])
      const error = await failure(serving.chat(asked, interactive, () => {}))
      expect(error).toMatchObject({ code: 'IMAGES_UNSUPPORTED', status: 400 })
      const resume = { tokens: [], text: 'wh', toolCalls: [], callTokens: 0 }
      expect(await failure(workers[0]!.chat({ ...asked, resume }, () => {}))).toMatchObject({
        code: 'CANNOT_CONTINUE',
        message: expect.stringContaining('it goes on with no images'),
      })
    })
  })

  test('token counts bypass the slots', async () => {
    const { serving } = serve([fakeWorker('chat')])
    expect(serving.contextTokens('fake')).toBe(512) // the model's own while its worker starts
    await serving.ready()
    const long = [1, 2].map(() => serving.chat(chat('fault:slow:300'), interactive, () => {}))
    expect(await serving.countTokens('fake', ['a b', 'c'])).toEqual([2, 1])
    expect(await serving.countPrompt('fake', [{ role: 'user', content: 'a b c' }], [])).toEqual({
      tokens: 3,
      estimated: false,
    })
    expect(serving.workers()[0]?.running).toBe(2)
    expect(serving.contextTokens('fake')).toBe(2048)
    await Promise.all(long)
  })
})

describe('limits and names', () => {
  test('[bounded] a full queue answers 429 with the time to wait', async () => {
    const { serving } = serve([fakeWorker('embed')], { queue: { maxWaiting: 2 } })
    await serving.ready()
    const slow = [1, 2].map(() => serving.embed(texts('fault:slow:200'), interactive))
    const waiting = ['a', 'b'].map((text) => serving.embed(texts(text), interactive))
    const error = await failure(serving.embed(texts('c'), interactive))
    expect(error).toMatchObject({ code: 'QUEUE_FULL', status: 429 })
    expect(error.retryAfterS).toBeGreaterThanOrEqual(1)
    await Promise.all([...slow, ...waiting])
  })

  test('a deadline ends what waits', async () => {
    const { serving } = serve([fakeWorker('embed', 'cpu', { loadFault: 'fault:slow:60000' })])
    const error = await failure(serving.embed(texts('a'), { ...interactive, deadlineMs: 150 }))
    expect(error).toMatchObject({ code: 'DEADLINE', status: 504 })
    expect(error.message).toMatch(/150 ms/)
  })

  test('models are found by task and id', async () => {
    const { serving } = serve([fakeWorker('embed')])
    const unknown = await failure(serving.embed({ ...texts('a'), model: 'fakes' }, interactive))
    expect(unknown).toMatchObject({ code: 'MODEL_NOT_FOUND', param: 'model' })
    expect(unknown.message).toMatch(/did you mean fake/)
    expect((await failure(serving.chat(chat('a'), interactive, () => {}))).code).toBe('TASK_UNSERVED')
  })

  test('drain: running work ends, what waits and what comes is refused, processes are gone', async () => {
    const { serving, workers } = serve([fakeWorker('chat')])
    await serving.ready()
    expect(serving.isReady()).toBe(true)
    const active = [1, 2].map(() => serving.chat(chat('fault:slow:100 done'), interactive, () => {}))
    const waiting = failure(serving.chat(chat('late'), interactive, () => {}))
    const drained = serving.drain(5000)
    expect((await waiting).code).toBe('SHUTTING_DOWN')
    expect((await failure(serving.chat(chat('new'), interactive, () => {}))).code).toBe('SHUTTING_DOWN')
    expect((await Promise.all(active)).map(({ result }) => result.text)).toHaveLength(2)
    await drained
    expect(workers.map((worker) => worker.state)).toEqual(['stopped'])
  })
})
