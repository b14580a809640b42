/** What tests of workers share: real processes on the fake engine, stopped after each test. */
import { afterEach } from 'vitest'
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
