import { expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { Observer } from '../telemetry/index.ts'
import { failure, interactive, serve } from './serving.suite.ts'

const embed = (...inputs: string[]) => ({ model: 'fake', inputs, purpose: 'passage' as const })
const chat = (content: string) => ({
  model: 'fake',
  messages: [{ role: 'user' as const, content }],
  sampling: { stop: [] },
  responseFormat: { type: 'text' as const },
  tools: [],
  toolChoice: 'none' as const,
})

/** What was heard, in order: the method and what matters of it. */
function listener() {
  const heard: unknown[] = []
  const observer: Partial<Observer> = {
    admitted: ({ id, inputs }) => heard.push(['admitted', id, inputs]),
    refused: ({ id }, { code }) => heard.push(['refused', id, code]),
    ended: ({ id }, { error, by, promptTokens, completionTokens, firstTokenMs }) =>
      heard.push([
        'ended',
        id,
        error?.code ?? by?.device,
        promptTokens,
        completionTokens,
        firstTokenMs !== undefined,
      ]),
  }
  return { heard, observer }
}

test('every request that is admitted ends once, with its tokens and who answered', async () => {
  const { heard, observer } = listener()
  const { serving } = serve([fakeWorker('embed'), fakeWorker('chat', 'gpu0')], {}, observer)
  await serving.embed(embed('four', 'five5'), interactive)
  const { result } = await serving.chat(chat('hello'), interactive, () => {})
  const { promptTokens, completionTokens } = result.usage
  expect(heard).toEqual([
    ['admitted', 1, 2],
    ['ended', 1, 'cpu', 9, undefined, false],
    ['admitted', 2, 1],
    ['ended', 2, 'gpu0', promptTokens, completionTokens, true],
  ])
})

test('what fails ends with its error; what finds the queue full was never admitted', async () => {
  const { heard, observer } = listener()
  const { serving } = serve([fakeWorker('embed')], { queue: { maxWaiting: 1 } }, observer)
  await serving.ready()
  const left = new AbortController()
  const busy = { ...interactive, signal: left.signal }
  const slow = [1, 2].map(() => failure(serving.embed(embed('fault:slow:600000'), busy)))
  const waits = failure(serving.embed(embed('a'), { ...interactive, deadlineMs: 150 }))
  await failure(serving.embed(embed('b'), interactive))
  expect(heard.at(-1)).toEqual(['refused', 4, 'QUEUE_FULL'])
  expect(serving.queues()).toMatchObject([
    { priority: 'interactive', waiting: 1, running: 2 },
    { priority: 'bulk', waiting: 0, running: 0 },
  ])
  await waits
  expect(heard.at(-1)).toEqual(['ended', 3, 'DEADLINE', undefined, undefined, false])
  left.abort()
  await Promise.all(slow)
})
