import { expect, test } from 'vitest'
import { type ChatMove, type ServedBy, TandemError } from '../domain/index.ts'
import { ChatJob } from './chat-job.ts'

const at = (engine: string): ServedBy => ({ model: 'm', engine, device: 'cpu', simulated: false }) as ServedBy
const lost = (why: string) => new TandemError('WORKER_LOST', { worker: 'w', why })
const text = { type: 'text', text: 'a' } as const

function job() {
  const moves: ChatMove[] = []
  const ends = {
    resolve: () => {},
    reject: () => {},
    onServedBy: undefined,
    onMoved: (_: ServedBy, move: ChatMove) => moves.push(move),
  }
  return {
    moves,
    job: new ChatJob(
      () => Promise.reject(new Error('not called')),
      () => {},
      ends,
    ),
  }
}

test.each([
  ['the last word on its worker is told', 'openai', 'ended by SIGKILL', 'ended by SIGKILL'],
  ['what was lost elsewhere says nothing of the first one', 'openvino', 'no memory', 'its stream ended'],
])('a try that was lost before it wrote is no move: %s', (_, engine, reason, why) => {
  const { job: chat, moves } = job()
  chat.delta(text, chat.begin(at('openai')))
  chat.lost(lost('its stream ended'))
  chat.begin(at(engine))
  chat.lost(lost(reason))
  chat.delta(text, chat.begin(at('llama.cpp')))
  expect(moves).toEqual([{ from: 'openai on cpu', to: 'llama.cpp on cpu', why, atToken: 1 }])
})
