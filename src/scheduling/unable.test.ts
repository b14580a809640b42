/** What some placements of a model can never serve waits for those that can. */
import { describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { ChatRequest, ServedBy } from '../domain/index.ts'
import type { Worker, WorkerOptions } from '../workers/index.ts'
import type { Waiting } from './contract.ts'
import { failure, interactive, serve } from './serving.suite.ts'

const PNG = { type: 'image/png', base64: 'iVBORw0KGgo=' } as const
const asked = (content: string, withImage = false): ChatRequest => ({
  model: 'fake',
  messages: [{ role: 'user', content, ...(withImage ? { images: [{ at: 0, source: PNG }] } : {}) }],
  sampling: { stop: [] },
  responseFormat: { type: 'text' },
  tools: [],
  toolChoice: 'none',
})

function seeing(device: string, images: boolean, more: Partial<WorkerOptions> = {}): WorkerOptions {
  const worker = fakeWorker('chat', device, more)
  return { ...worker, spec: { ...worker.spec, settings: { images } } }
}

function withWindow(device: string, contextTokens: number): WorkerOptions {
  const worker = fakeWorker('chat', device)
  return { ...worker, spec: { ...worker.spec, contextTokens } }
}

const allReady = (workers: readonly Worker[]) => Promise.all(workers.map((worker) => worker.ready()))
const kill = (worker: Worker | undefined) => process.kill(worker?.info?.pid as number, 'SIGKILL')
const gone = (worker: Worker | undefined) =>
  new Promise<void>((resolve) => worker?.onEvent(({ state }) => state !== 'ready' && resolve()))
/** How often a worker is asked for a chat. */
function counted(worker: Worker | undefined): { times: number } {
  const count = { times: 0 }
  if (!worker) return count
  const ask = worker.chat.bind(worker)
  worker.chat = (...args) => {
    count.times += 1
    return ask(...args)
  }
  return count
}

describe('a chat with pictures', () => {
  test('waits for the only placement that reads them while that one restarts; the other is not asked', async () => {
    const { serving, workers } = serve([seeing('gpu0', true), seeing('cpu', false)])
    await allReady(workers)
    const blind = counted(workers[1])
    const away = gone(workers[0])
    kill(workers[0])
    await away
    let ask: () => Waiting | undefined = () => undefined
    const context = {
      ...interactive,
      onQueued: (waiting: () => Waiting | undefined) => {
        ask = waiting
      },
    }
    const pictures = serving.chat(asked('what is this', true), context, () => {})
    expect(ask()).toMatchObject({ expected: { device: 'gpu0' }, state: 'restarting' })
    const text = await serving.chat(asked('hello'), interactive, () => {})
    expect(text.servedBy.device).toBe('cpu')
    const { servedBy } = await pictures
    expect(servedBy).toMatchObject({ device: 'gpu0' })
    expect(servedBy.fallback).toBeUndefined()
    expect(blind.times).toBe(1)
  })

  test('is passed over by a placement that reads none without a word of fallback', async () => {
    const { serving, workers } = serve([seeing('gpu0', false), seeing('cpu', true)])
    await allReady(workers)
    const served: ServedBy[] = []
    const context = { ...interactive, onServedBy: (by: ServedBy) => served.push(by) }
    await serving.chat(asked('what is this', true), context, () => {})
    expect(served).toEqual([{ model: 'fake', engine: 'onnxruntime', device: 'cpu', simulated: false }])
  })

  test('that was sent before it was known who reads them goes on to who does', async () => {
    const { serving, workers } = serve([seeing('gpu0', false), seeing('cpu', true)])
    const blind = counted(workers[0])
    const { servedBy } = await serving.chat(asked('what is this', true), interactive, () => {})
    expect(servedBy.device).toBe('cpu')
    expect(servedBy.fallback ?? '').not.toMatch(/failing/)
    expect(blind.times).toBeLessThanOrEqual(1)
  })

  test('ends at its deadline with the name of the placement that was away', async () => {
    const first = seeing('gpu0', true)
    const { serving, workers } = serve([first, seeing('cpu', false)], { queue: { maxWaitMs: 300 } })
    await allReady(workers)
    Object.assign(first.spec, { device: 'fault:crash' }) // a restart fails from now on
    const away = gone(workers[0])
    kill(workers[0])
    await away
    const error = await failure(serving.chat(asked('what is this', true), interactive, () => {}))
    expect(error).toMatchObject({ code: 'DEADLINE', status: 504 })
    expect(error.message).toMatch(
      /onnxruntime on gpu0 is (starting|restarting|quarantined): .*(SIGKILL|exit code 3)/,
    )
  })

  test('is refused at once where nobody reads any', async () => {
    const { serving, workers } = serve([seeing('gpu0', false), seeing('cpu', false)])
    await allReady(workers)
    const error = await failure(serving.chat(asked('what is this', true), interactive, () => {}))
    expect(error).toMatchObject({ code: 'IMAGES_UNSUPPORTED', status: 400 })
    // as long as the others are unknown they may read them
    const later = serve([seeing('gpu0', false), seeing('cpu', false)])
    const unknown = await failure(later.serving.chat(asked('what is this', true), interactive, () => {}))
    expect(unknown).toMatchObject({ code: 'IMAGES_UNSUPPORTED', status: 400 })
    expect(unknown.message).toContain('on onnxruntime')
  })
})

describe('a prompt that is too long for one placement', () => {
  const long = asked(Array.from({ length: 60 }, (_, i) => `w${i}`).join(' '))

  test('goes to one with a larger window, and that is no fallback', async () => {
    const { serving, workers } = serve([withWindow('gpu0', 50), withWindow('cpu', 100)])
    await allReady(workers)
    const { servedBy } = await serving.chat(long, interactive, () => {})
    expect(servedBy).toEqual({ model: 'fake', engine: 'onnxruntime', device: 'cpu', simulated: false })
  })

  test('is refused at once where no window is known to be larger', async () => {
    const { serving, workers } = serve([withWindow('gpu0', 50), withWindow('cpu', 55)])
    await allReady(workers)
    const second = counted(workers[1])
    const error = await failure(serving.chat(long, interactive, () => {}))
    expect(error).toMatchObject({ code: 'CONTEXT_LENGTH_EXCEEDED', details: { limit: 50, tokens: 60 } })
    expect(second.times).toBe(0)
  })
})

test('a text whose worker others kill again and again is embedded all the same', async () => {
  const { serving, workers } = serve([fakeWorker('embed', 'cpu', { lastPlacement: true })])
  await serving.ready()
  let kills = 0
  const [worker] = workers
  const embed = worker!.embed.bind(worker)
  worker!.embed = (request, options) => {
    const answer = embed(request, options)
    if (kills++ < 4) kill(worker)
    return answer
  }
  const inputs = ['fault:slow:50']
  const { result } = await serving.embed({ model: 'fake', inputs, purpose: 'passage' }, interactive)
  expect(result.tokens).toHaveLength(1)
  expect(kills).toBe(5)
})
