import { expect, test } from 'vitest'
import { StatusDocument } from '../client/documents.ts'
import { eventsText, workersText } from './status.ts'
import { styleFor } from './style.ts'

const plain = styleFor(process.stdout, { NO_COLOR: '1' })
const at = '2026-01-02T03:04:05.000Z'
const worker = {
  id: 'w',
  task: 'chat',
  model: 'm',
  engine: 'llama.cpp',
  device: 'gpu0',
  state: 'ready',
  queued: 0,
  running: 2,
}
const parse = (part: object) => StatusDocument.parse({ workers: [], projects: [], ...part })

test('a worker is shown with its restarts; why it is away and when it comes back; when it was lost', () => {
  const lastError = { message: 'it was killed', at }
  const { workers } = parse({
    workers: [
      {
        ...worker,
        state: 'restarting',
        simulated: true,
        restarts: 3,
        error: 'it was killed',
        retryInMs: 400,
        lastError,
      },
      { ...worker, device: 'cpu', restarts: 1, pid: 7, threads: 2, lastError },
    ],
  })
  expect(workersText(workers, Date.parse(at) + 12_000).split('\n')).toEqual([
    'task  model  engine     device            state       running  queued  restarts  threads  pid',
    'chat  m      llama.cpp  gpu0 (simulated)  restarting  2        0       3',
    'chat  m      llama.cpp  cpu               ready       2        0       1         2        7',
    'llama.cpp on gpu0 is restarting, again in 0.4 s: it was killed',
    'llama.cpp on cpu was lost 12 s ago: it was killed',
    '',
  ])
})

test('a worker that loads is shown with how far it is, or for how long', () => {
  const loads = { ...worker, state: 'starting', running: 0 }
  const { workers } = parse({
    workers: [
      { ...loads, loading: { ms: 3456, progress: 0.429 } },
      { ...loads, device: 'cpu', loading: { ms: 3456 } },
    ],
  })
  expect(workersText(workers, 0).split('\n').slice(1, 3)).toEqual([
    'chat  m      llama.cpp  gpu0    starting 42 %   0        0       0',
    'chat  m      llama.cpp  cpu     starting 3.5 s  0        0       0',
  ])
})

test('events are one line each; what says nothing new is left out; control characters do no harm', () => {
  const here = { at, task: 'chat', engine: 'llama.cpp', device: 'gpu0' }
  const from = { engine: 'llama.cpp', device: 'gpu0' }
  const to = { engine: 'llama.cpp', device: 'cpu' }
  const { events = [] } = parse({
    events: [
      { ...here, type: 'worker', state: 'restarting', error: 'killed\u001b[2J', retryInMs: 100 },
      { ...here, type: 'loading', phase: 'started', ms: 0 },
      { ...here, type: 'loading', phase: 'started', ms: 0, expectedMs: 1500 },
      { ...here, type: 'loading', phase: 'loading', ms: 1000, progress: 0.5 },
      { ...here, type: 'worker', state: 'ready' },
      { ...here, type: 'loading', phase: 'loaded', ms: 1234 },
      { at, type: 'fallback', task: 'embed', simulated: true, from, to, why: 'restarting', count: 12 },
      { at, type: 'continued', from, to, why: 'lost', atToken: 17 },
      { at: 'never', type: 'of a newer server' },
    ],
  })
  const lines = eventsText(events, plain).split('\n')
  expect(lines.map((line) => line.replace(/^[\d-]+:[\d-]+:[\d-]+ /, ''))).toEqual([
    'chat worker is restarting: llama.cpp on gpu0, again in 0.1 s: killed\ufffd[2J',
    'chat model loads: llama.cpp on gpu0, 1.5 s expected',
    'chat model is loading: llama.cpp on gpu0, after 1.0 s, 50 %',
    'chat model is loaded: llama.cpp on gpu0, after 1.2 s',
    'embed falls back: llama.cpp on gpu0 -> llama.cpp on cpu (simulated), restarting (12 times)',
    'a chat goes on: llama.cpp on gpu0 -> llama.cpp on cpu after 17 tokens, lost',
    'of a newer server',
    '',
  ])
})
