import { expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { PlannedPlacement, Priority, WorkerState } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { Waiting } from './contract.ts'
import { type Event, initialState, type State, step } from './core/index.ts'
import { LIMITS } from './core/limits.suite.ts'
import type { Route } from './routes.ts'
import { interactive, serve } from './serving.suite.ts'
import { waitingOf } from './waiting.ts'

/** A chat model on a GPU and on the CPU. */
function routeOf(gpu: WorkerState, cpu: WorkerState): Route {
  const workers = [
    { id: 'gpu', device: 'gpu0', state: gpu },
    { id: 'cpu', device: 'cpu', state: cpu },
  ].map(({ id, device, state }) => {
    const placement = { task: 'chat', model: 'm', engine: 'llama.cpp', device, simulated: false }
    return { worker: { id, placement, state } as Worker, placement: placement as PlannedPlacement }
  })
  return { id: 'chat:m', task: 'chat', model: 'm', workers }
}

type Given = Event extends infer E ? (E extends Event ? Omit<E, 'nowMs'> : never) : never

function after(...events: Given[]): State {
  const workers = [
    { id: 'gpu', overflow: false },
    { id: 'cpu', overflow: false },
  ]
  const start = initialState(LIMITS, [{ id: 'chat:m', merges: false, proves: false, workers }], 0)
  return events.reduce((state, event) => step(state, { ...event, nowMs: 0 } as Event).state, start)
}

const submitted = (id: number, priority: Priority = 'interactive'): Given => ({
  type: 'submitted',
  request: { id, lane: 'chat:m', priority, client: 'a', kind: 'chat', deadlineMs: 1000, tokens: [1] },
})
const ready = (worker: string): Given => ({ type: 'workerReady', worker, room: 1, proven: true })

test('counts those before it: all interactive ones go before bulk', () => {
  const state = after(submitted(1, 'bulk'), submitted(2), submitted(3, 'bulk'), submitted(4))
  const route = routeOf('starting', 'starting')
  const positions = [1, 2, 3, 4].map((id) => waitingOf(id, state, route)?.position)
  expect(positions).toEqual([3, 1, 4, 2])
})

test('names who has it, and that it waits no more', () => {
  const state = after(ready('cpu'), submitted(1), submitted(2))
  const route = routeOf('restarting', 'busy')
  expect(waitingOf(1, state, route)).toMatchObject({
    position: 0,
    expected: { device: 'cpu' },
    state: 'busy',
  })
  expect(waitingOf(2, state, route)?.position).toBe(1)
  expect(waitingOf(3, state, route)).toBeUndefined()
})

test('tells how far the load is of who is expected', () => {
  const state = after(submitted(1))
  const route = routeOf('starting', 'starting')
  expect(waitingOf(1, state, route)).not.toHaveProperty('loading')
  const [gpu] = route.workers
  Object.assign(gpu!.worker, { loading: { ms: 700, progress: 0.5 } })
  expect(waitingOf(1, state, route)).toMatchObject({ loading: { ms: 700, progress: 0.5 } })
})

test('expects who is up before who loads, and says what the first of the plan is about', () => {
  const state = after(submitted(1))
  const expected = (gpu: WorkerState, cpu: WorkerState) => waitingOf(1, state, routeOf(gpu, cpu))
  expect(expected('starting', 'stopped')).toMatchObject({ expected: { device: 'gpu0' }, state: 'starting' })
  expect(expected('starting', 'stopped')?.expected.fallback).toBeUndefined()
  expect(expected('quarantined', 'starting')).toMatchObject({
    expected: { device: 'cpu', fallback: 'llama.cpp on gpu0 is quarantined' },
  })
  expect(expected('starting', 'busy')).toMatchObject({ expected: { device: 'cpu' }, state: 'busy' })
  expect(expected('quarantined', 'quarantined')).toMatchObject({ expected: { device: 'gpu0' } })
})

test('a request can ask what it waits for from its first moment to its end', async () => {
  const { serving } = serve([fakeWorker('embed')])
  let ask: (() => Waiting | undefined) | undefined
  const answer = serving.embed(
    { model: 'fake', inputs: ['a text'], purpose: 'passage' },
    {
      ...interactive,
      onQueued: (waiting) => {
        ask = waiting
      },
    },
  )
  expect(ask?.()).toMatchObject({ position: 1, expected: { device: 'cpu' }, state: 'starting' })
  await answer
  expect(ask?.()).toBeUndefined()
})
