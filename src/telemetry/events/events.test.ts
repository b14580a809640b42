import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Placement, TandemError } from '../../domain/index.ts'
import { createEventStream, type EventStream, type ServerEvent } from './events.ts'

const GPU: Placement = {
  task: 'chat',
  model: 'm',
  engine: 'llama.cpp',
  device: 'gpu0',
  kind: 'dgpu',
  simulated: true,
}
const CPU: Placement = { ...GPU, device: 'cpu', kind: 'cpu' }
const move = { from: GPU, to: CPU, why: 'restarting' }

let stream: EventStream
let heard: ServerEvent[]
beforeEach(() => {
  vi.useFakeTimers()
  stream = createEventStream()
  heard = []
  stream.onEvent((event) => heard.push(event))
})
afterEach(() => {
  stream.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('the first fallback is told at once, the next thousand of a second as one', () => {
  for (let i = 0; i < 1001; i++) stream.observer.fellBack?.(move)
  stream.observer.fellBack?.({ ...move, why: 'quarantined' })
  const place = ({ engine, device }: Placement) => ({ engine, device })
  const told = {
    type: 'fallback',
    task: 'chat',
    model: 'm',
    from: place(GPU),
    to: place(CPU),
    simulated: true,
  }
  expect(heard).toMatchObject([
    { ...told, why: 'restarting', count: 1 },
    { ...told, why: 'quarantined', count: 1 },
  ])
  vi.advanceTimersByTime(1000)
  expect(heard.slice(2)).toMatchObject([{ ...told, why: 'restarting', count: 1000 }])
  vi.advanceTimersByTime(10_000)
  expect(heard).toHaveLength(3)
  stream.observer.fellBack?.(move)
  expect(heard.at(-1)).toMatchObject({ count: 1 })
})

test('retries are told by placement, a chat that goes on with its token', () => {
  stream.observer.retried?.(GPU, 'lost')
  stream.observer.retried?.(GPU, 'lost')
  stream.observer.retried?.(CPU, 'lost')
  stream.observer.continued?.({ from: GPU, to: CPU, why: 'lost' }, 17)
  expect(heard.map(({ type }) => type)).toEqual(['retry', 'retry', 'continued'])
  expect(heard).toMatchObject([{ device: 'gpu0' }, { device: 'cpu' }, { atToken: 17, to: { device: 'cpu' } }])
})

test('a load is told with what it should take, goes on each second, and ends', () => {
  stream.observer.workerChanged?.({ id: 'w', placement: GPU, state: 'starting', expectedMs: 3000 })
  vi.advanceTimersByTime(2500)
  stream.observer.workerChanged?.({ id: 'w', placement: GPU, state: 'ready', loadMs: 2400 })
  vi.advanceTimersByTime(5000)
  const loading = heard.filter(({ type }) => type === 'loading')
  expect(loading).toMatchObject([
    { phase: 'started', ms: 0, expectedMs: 3000 },
    { phase: 'loading', ms: 1000, expectedMs: 3000 },
    { phase: 'loading', ms: 2000 },
    { phase: 'loaded', ms: 2500, device: 'gpu0' },
  ])
  expect(stream.recent().map((event) => ('phase' in event ? event.phase : event.type))).toEqual([
    'worker',
    'started',
    'worker',
    'loaded',
  ])
})

test('a load whose engine tells how far it is goes on with that, each second also where nothing is new', () => {
  stream.observer.workerLoading?.('w', 0.1) // none is known yet
  stream.observer.workerChanged?.({ id: 'w', placement: GPU, state: 'starting' })
  vi.advanceTimersByTime(600)
  stream.observer.workerLoading?.('w', 0.25)
  vi.advanceTimersByTime(1200)
  stream.observer.workerLoading?.('w', 1)
  stream.observer.workerChanged?.({ id: 'w', placement: GPU, state: 'ready' })
  stream.observer.workerLoading?.('w', 0.5)
  const loading = heard.filter(({ type }) => type === 'loading')
  expect(loading.map((event) => ('phase' in event ? [event.phase, event.ms, event.progress] : []))).toEqual([
    ['started', 0, undefined],
    ['loading', 600, 0.25],
    ['loading', 1600, 0.25],
    ['loading', 1800, 1],
    ['loaded', 1800, undefined],
  ])
})

test('a worker that is lost is told with the reason and when it comes back, and loads again', () => {
  const error = new TandemError('WORKER_LOST', { worker: 'w', why: 'it was killed by SIGKILL' })
  stream.observer.workerChanged?.({ id: 'w', placement: GPU, state: 'restarting', error, retryInMs: 99.6 })
  expect(heard).toMatchObject([
    { type: 'worker', id: 'w', state: 'restarting', error: error.message, retryInMs: 100 },
    { type: 'loading', phase: 'started' },
  ])
  stream.observer.workerChanged?.({ id: 'w', placement: GPU, state: 'quarantined', error })
  expect(heard.slice(2)).toMatchObject([{ state: 'quarantined' }, { type: 'loading', phase: 'failed' }])
})

test('only the last ones are kept', () => {
  for (let i = 0; i < 200; i++)
    stream.observer.workerChanged?.({ id: `w${i}`, placement: GPU, state: 'ready' })
  expect(stream.recent()).toHaveLength(50)
  expect(stream.recent().at(-1)).toMatchObject({ id: 'w199' })
})
