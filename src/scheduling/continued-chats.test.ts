import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { ChatDelta, ChatMove, ChatRequest, ServedBy } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import { failure, interactive, serve } from './serving.suite.ts'

const chat = (content: string): ChatRequest => ({
  model: 'fake',
  messages: [{ role: 'user', content }],
  sampling: { stop: [] },
  responseFormat: { type: 'text' },
  tools: [],
  toolChoice: 'none',
})

/** Hears a chat. */
function listener() {
  const moves: ChatMove[] = []
  const served: ServedBy[] = []
  const seen: string[] = []
  return {
    moves,
    served,
    seen,
    context: {
      ...interactive,
      onServedBy: (by: ServedBy) => served.push(by),
      onMoved: (by: ServedBy, move: ChatMove) => {
        served.push(by)
        moves.push(move)
      },
    },
    onDelta: (delta: ChatDelta) => {
      seen.push(delta.type === 'text' ? delta.text : '')
    },
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tandem-continued-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let texts = 0

/** Seven words; the first worker that comes to the word of this number, counted from 0, is killed there. */
function textThatKills(at: number): string {
  texts += 1
  const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven']
  words[at] = `fault:die-once:${join(folder, String(texts))}`
  return words.join(' ')
}

describe('an answer whose worker is killed', () => {
  test('[failure-domains] goes on at the next placement: whole, nothing twice, and it says so', async () => {
    const { serving, workers } = serve([fakeWorker('chat', 'gpu0'), fakeWorker('chat', 'cpu')])
    await Promise.all(workers.map((worker) => worker.ready()))
    const text = textThatKills(2)
    const heard = listener()
    const { result, servedBy } = await serving.chat(chat(text), heard.context, heard.onDelta)
    expect(heard.seen.join('')).toBe(text)
    expect(result).toMatchObject({ text, usage: { promptTokens: 1, completionTokens: 7 } })
    const move = { from: 'onnxruntime on gpu0', to: 'onnxruntime on cpu', atToken: 2 }
    expect(result.continued).toMatchObject([move])
    expect(result.continued?.[0]?.why).toMatch(/SIGKILL/)
    expect(heard.moves).toEqual(result.continued)
    expect(heard.served.map(({ device }) => device)).toEqual(['gpu0', 'cpu'])
    expect(servedBy).toEqual(heard.served[1])
    expect(servedBy.fallback).toMatch(
      /^onnxruntime on gpu0 is restarting; onnxruntime on gpu0 broke off after 2 tokens: .*SIGKILL/,
    )
    expect(result.timings.firstTokenMs).toBeGreaterThan(0)
    expect(result.timings.decodeMs).toBeGreaterThanOrEqual(5) // of the last part alone
  })

  test('goes on at the same placement once it is back, where there is no other', async () => {
    const { serving } = serve([fakeWorker('chat', 'cpu', { lastPlacement: true })])
    await serving.ready()
    const text = textThatKills(5)
    const heard = listener()
    const { result } = await serving.chat(chat(text), heard.context, heard.onDelta)
    expect(heard.seen.join('')).toBe(text)
    expect(result.text).toBe(text)
    expect(heard.moves).toMatchObject([{ from: 'onnxruntime on cpu', to: 'onnxruntime on cpu', atToken: 5 }])
  })

  test('several at once go on side by side, as they ran', async () => {
    const { serving, workers } = serve([fakeWorker('chat', 'gpu0'), fakeWorker('chat', 'cpu')])
    await Promise.all(workers.map((worker) => worker.ready()))
    let together = 0
    const countTogether = () => {
      const running = serving.workers().find(({ device }) => device === 'cpu')?.running ?? 0
      together = Math.max(together, running)
    }
    const waits = join(folder, 'go')
    const killed = textThatKills(3)
    const beside = `one two fault:until:${waits} four`
    const answers = [beside, killed].map((text) => {
      const heard = listener()
      const onDelta = (delta: ChatDelta) => {
        heard.onDelta(delta)
        countTogether()
      }
      return serving.chat(chat(text), heard.context, onDelta)
    })
    const [, last] = answers
    const { result: second } = await last!
    expect(second).toMatchObject({ text: killed, continued: [{}] })
    expect(together).toBe(2) // the one that waits went on too
    writeFileSync(waits, '')
    const { result: first } = await answers[0]!
    expect(first).toMatchObject({ text: beside, continued: [{ atToken: 2 }] })
  })

  test('raw text goes on too', async () => {
    const { serving, workers } = serve([fakeWorker('chat', 'gpu0'), fakeWorker('chat', 'cpu')])
    await Promise.all(workers.map((worker) => worker.ready()))
    const text = textThatKills(2)
    const heard = listener()
    const request = { model: 'fake', prompt: text, sampling: { stop: [], maxTokens: 6 } }
    const { result } = await serving.complete(request, heard.context, heard.onDelta)
    expect(result.text).toBe(text.slice(0, text.lastIndexOf(' ')))
    expect(heard.seen.join('')).toBe(result.text)
    expect(result.continued).toHaveLength(1)
  })

  test('ends with the reason of the loss when no worker comes back in time', async () => {
    const { serving } = serve([fakeWorker('chat', 'cpu', { limits: { firstRestartMs: 60_000 } })], {
      queue: { maxWaitMs: 300 },
    })
    await serving.ready()
    const text = textThatKills(2)
    const heard = listener()
    const error = await failure(serving.chat(chat(text), heard.context, heard.onDelta))
    expect(error.code).toBe('WORKER_LOST')
    expect(error.message).toMatch(/SIGKILL/)
    expect(heard.seen).toEqual(['one', ' two'])
  })

  test('ends with an error after three tries, no text twice', async () => {
    const { serving } = serve([fakeWorker('chat', 'gpu0'), fakeWorker('chat', 'cpu')])
    await serving.ready()
    const heard = listener()
    const text = 'hello fault:slow:50 fault:crash'
    const error = await failure(serving.chat(chat(text), heard.context, heard.onDelta))
    expect(error.code).toBe('WORKER_LOST')
    expect(heard.seen).toEqual(['hello', ' fault:slow:50'])
  })

  const beginsAnew = () => {
    const anew = fakeWorker('chat', 'cpu')
    return { ...anew, spec: { ...anew.spec, settings: { resumes: [] } } }
  }

  test('waits for its own engine where the other would begin anew: never text twice, and no word of the other', async () => {
    const { serving, workers } = serve([fakeWorker('chat', 'gpu0'), beginsAnew()])
    await Promise.all(workers.map((worker) => worker.ready()))
    const text = textThatKills(2)
    const heard = listener()
    const { result, servedBy } = await serving.chat(chat(text), heard.context, heard.onDelta)
    expect(heard.seen.join('')).toBe(text)
    const move = { from: 'onnxruntime on gpu0', to: 'onnxruntime on gpu0', atToken: 2 }
    expect(result.continued).toMatchObject([move])
    expect(heard.moves).toEqual(result.continued)
    expect(heard.served.map(({ device }) => device)).toEqual(['gpu0', 'gpu0'])
    expect(servedBy.fallback).toMatch(/^onnxruntime on gpu0 broke off after 2 tokens: .*SIGKILL/)
    expect(servedBy.fallback).not.toContain('cpu')
  })

  test('ends as it broke off when its own engine does not come back in time and the other would begin anew', async () => {
    const first = fakeWorker('chat', 'gpu0')
    const { serving, workers } = serve([first, beginsAnew()], { queue: { maxWaitMs: 300 } })
    await Promise.all(workers.map((worker) => worker.ready()))
    // a restart fails from now on
    Object.assign(first.spec, { device: 'fault:crash' })
    const text = textThatKills(2)
    const heard = listener()
    const error = await failure(serving.chat(chat(text), heard.context, heard.onDelta))
    expect(error.code).toBe('WORKER_LOST')
    expect(error.message).toMatch(/SIGKILL/)
    expect(heard.seen).toEqual(['one', ' two'])
  })

  test('ends as it broke off, and waits for no restart, where its only engine would begin anew', async () => {
    const { serving } = serve([beginsAnew()])
    await serving.ready()
    const text = textThatKills(2)
    const heard = listener()
    const error = await failure(serving.chat(chat(text), heard.context, heard.onDelta))
    expect(error).toMatchObject({ code: 'WORKER_LOST', status: 502 })
    expect(error.message).toMatch(/SIGKILL/)
    expect(heard.seen).toEqual(['one', ' two'])
  })

  test('with tools goes on where these are known, past an engine that begins anew with them', async () => {
    const noTools = fakeWorker('chat', 'gpu0')
    const plain = { ...noTools, spec: { ...noTools.spec, settings: { resumes: ['chat'] } } }
    const other = { ...plain, placement: { ...plain.placement, device: 'gpu1' } }
    const { serving, workers } = serve([plain, other, fakeWorker('chat', 'cpu')])
    await Promise.all(workers.map((worker) => worker.ready()))
    const tooled = (content: string): ChatRequest => ({
      ...chat(content),
      tools: [{ name: 't' }],
      toolChoice: 'auto',
    })
    const text = textThatKills(2)
    const heard = listener()
    const { result } = await serving.chat(tooled(text), heard.context, heard.onDelta)
    expect(heard.seen.join('')).toBe(text)
    expect(result.continued).toMatchObject([{ from: 'onnxruntime on gpu0', to: 'onnxruntime on cpu' }])
  })
})

describe('an answer whose engine fails', () => {
  const broken = 'one two fault:error'

  test('goes on at another placement', async () => {
    const { serving, workers } = serve([fakeWorker('chat', 'gpu0'), fakeWorker('chat', 'cpu')])
    await Promise.all(workers.map((worker) => worker.ready()))
    const [first, second] = workers as [Worker, Worker]
    const ask = second.chat.bind(second)
    second.chat = (request, ...rest) => ask({ ...request, messages: chat('one two three').messages }, ...rest)
    const heard = listener()
    const { result } = await serving.chat(chat(broken), heard.context, heard.onDelta)
    expect(heard.seen).toEqual(['one', ' two', ' three'])
    expect(result.continued).toMatchObject([{ to: 'onnxruntime on cpu', atToken: 2 }])
    expect(result.continued?.[0]?.why).toMatch(/it does not work/)
    expect(first.state).toBe('ready')
  })

  test('ends with its error where there is none', async () => {
    const { serving } = serve([fakeWorker('chat')])
    const heard = listener()
    const error = await failure(serving.chat(chat(broken), heard.context, heard.onDelta))
    expect(error.code).toBe('ENGINE_FAILED')
    expect(heard.seen).toEqual(['one', ' two'])
  })
})
