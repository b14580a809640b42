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

test('a try that was lost before it wrote is no move; the last reason at its worker is told', () => {
  const { job: chat, moves } = job()
  chat.delta(text, chat.begin(at('openai')))
  chat.lost(lost('its stream ended'))
  chat.begin(at('openai'))
  chat.lost(lost('ended by SIGKILL'))
  chat.delta(text, chat.begin(at('llama.cpp')))
  expect(moves).toEqual([
    { from: 'openai on cpu', to: 'llama.cpp on cpu', why: 'ended by SIGKILL', atToken: 1 },
  ])
})

test('what was lost elsewhere before it wrote says nothing of the first one', () => {
  const { job: chat, moves } = job()
  chat.delta(text, chat.begin(at('openai')))
  chat.lost(lost('its stream ended'))
  chat.begin(at('openvino'))
  chat.lost(lost('no memory'))
  chat.delta(text, chat.begin(at('llama.cpp')))
  expect(moves).toEqual([
    { from: 'openai on cpu', to: 'llama.cpp on cpu', why: 'its stream ended', atToken: 1 },
  ])
})
