/** What tests of workers share: real processes on the fake engine, stopped after each test. */
import { afterEach, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { ChatRequest, EmbedRequest, TandemError } from '../domain/index.ts'
import { startWorker, type Worker, type WorkerEvent, type WorkerOptions } from './index.ts'

const running: Worker[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop(0)))
})

export function start(options: WorkerOptions): Worker {
  const worker = startWorker(options)
  running.push(worker)
  return worker
}

export const texts = (...inputs: string[]): EmbedRequest => ({ model: 'fake', inputs, purpose: 'passage' })

export const chat = (content: string): ChatRequest => ({
  model: 'fake',
  messages: [{ role: 'user', content }],
  sampling: { stop: [] },
  responseFormat: { type: 'text' },
  tools: [],
  toolChoice: 'none',
})

export function nextState(worker: Worker, state: string): Promise<WorkerEvent> {
  return new Promise((resolve) => {
    const off = worker.onEvent((event) => {
      if (event.state !== state) return
      off()
      resolve(event)
    })
  })
}

export const failure = (promise: Promise<unknown>): Promise<TandemError> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: TandemError) => error,
  )

export function answersWithoutProcess(runsIn: NonNullable<WorkerOptions['runsIn']>): void {
  test('answers as one in a process does, its pieces in order, and has no process that could be killed', async () => {
    const worker = start(fakeWorker('chat', 'cpu', { runsIn }))
    const info = await worker.ready()
    expect(info).toMatchObject({ engineVersion: 'fake 1' })
    expect(info).not.toHaveProperty('pid')
    const words = Array.from({ length: 300 }, (_, at) => `w${at}`).join(' ')
    const pieces: string[] = []
    const { text } = await worker.chat(
      chat(words),
      (delta) => void pieces.push(delta.type === 'text' ? delta.text : ''),
    )
    expect(text).toBe(words)
    expect(pieces.join('')).toBe(words)
  })
}
