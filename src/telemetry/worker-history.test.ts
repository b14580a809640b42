import { expect, test } from 'vitest'
import { type Placement, TandemError } from '../domain/index.ts'
import { WorkerHistories } from './worker-history.ts'

const placement: Placement = {
  task: 'embed',
  model: 'm',
  engine: 'openvino',
  device: 'npu0',
  kind: 'npu',
  simulated: false,
}

test('losses are counted, the last error stays when the worker is back, the wait does not', () => {
  const histories = new WorkerHistories()
  expect(histories.of('w')).toEqual({ restarts: 0 })
  const error = new TandemError('WORKER_LOST', { worker: 'w', why: 'gone' })
  const hear = histories.observer.workerChanged!
  hear({ id: 'w', placement, state: 'restarting', error, retryInMs: 60_000 })
  const { retryInMs, ...lost } = histories.of('w')
  expect(lost).toEqual({ restarts: 1, lastError: { message: error.message, at: expect.any(String) } })
  expect(retryInMs).toBeGreaterThan(50_000)
  hear({ id: 'w', placement, state: 'ready' })
  expect(histories.of('w')).toEqual({ restarts: 1, lastError: lost.lastError })
  expect(histories.of('other')).toEqual({ restarts: 0 })
})
