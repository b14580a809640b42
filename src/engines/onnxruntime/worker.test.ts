import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { isRunning, runningInGroup } from '../../../test/processes.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { Placement } from '../../domain/index.ts'
import { loadCatalogue } from '../../models/index.ts'
import { startWorker, type Worker } from '../../workers/index.ts'
import { severalAtOnceSuite } from '../several-at-once.suite.ts'

const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'models')])
const model = catalogue.find('tandem-embed-small')
const placement: Placement = {
  task: 'embed',
  model: model.id,
  engine: 'onnxruntime',
  device: 'cpu',
  kind: 'cpu',
  simulated: false,
}

const running: Worker[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop(0)))
})

/** Its inferences run in threads of their own. */
function start(): Worker {
  const worker = startWorker({ placement, spec: { model, task: 'embed', device: 'cpu', threads: 3 } })
  running.push(worker)
  return worker
}

const request = (inputs: string[]) => ({ model: model.id, inputs, purpose: 'passage' }) as const
const MANY = Array.from(
  { length: 96 },
  (_, i) => `function value${i}() { return ${'value + '.repeat(60)}${i} }`,
)

describe('a worker on ONNX Runtime that runs inferences beside each other', () => {
  severalAtOnceSuite(start, 0.9998) // of dynamic int8, which depends on what shares its batch

  test('answers on other threads while it works, and what is cancelled ends', async () => {
    const worker = start()
    await worker.ready()
    const controller = new AbortController()
    const bulk = worker.embed(request(MANY), { priority: 'bulk' })
    const cancelled = worker.embed(request(MANY), { priority: 'bulk', signal: controller.signal })
    const ended = expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
    worker.setThreads(1)
    controller.abort()
    await ended
    expect((await bulk).tokens.length).toBe(MANY.length)
    worker.setThreads(2)
    expect((await worker.embed(request(['still works']))).tokens.length).toBe(1)
  })

  test.skipIf(process.platform !== 'linux')(
    'killed at work it leaves no process, and starts again',
    async () => {
      const worker = start()
      const { pid } = await worker.ready()
      const failed = expect(worker.embed(request(MANY))).rejects.toMatchObject({ code: 'WORKER_LOST' })
      process.kill(pid!, 'SIGKILL')
      await failed
      const next = await worker.ready()
      expect(next.pid).not.toBe(pid)
      expect((await worker.embed(request(['back']))).tokens.length).toBe(1)
      expect(isRunning(pid!)).toBe(false)
      expect(runningInGroup(pid!)).toEqual([])
    },
  )

  test('is stopped at once while it works', async () => {
    const worker = start()
    await worker.ready()
    const ended = expect(worker.embed(request(MANY))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await worker.stop(5_000)
    await ended
    expect(worker.state).toBe('stopped')
  })
})
