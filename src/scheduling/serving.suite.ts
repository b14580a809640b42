/** A scheduler over real worker processes that run the engine with faults. */
import { afterEach } from 'vitest'
import { FAKE_MODEL } from '../../test/fakes/fault-worker.ts'
import { Config } from '../config/index.ts'
import { type PlannedPlacement, type Priority, TASKS, type TandemError } from '../domain/index.ts'
import { type Observer, observeWith } from '../telemetry/index.ts'
import { startWorker, type Worker, type WorkerOptions } from '../workers/index.ts'
import { createServing, type Serving } from './index.ts'

const running: Serving[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((serving) => serving.drain(0)))
})

interface Setup {
  readonly serving: Serving
  readonly workers: readonly Worker[]
}

/** Serves each task by its placements in order; ended after the test. */
export function serve(
  placements: readonly WorkerOptions[],
  settings: object = {},
  observer: Partial<Observer> = {},
): Setup {
  const workers = placements.map((options) => startWorker(options))
  const planned = placements.map(
    ({ placement }, i): PlannedPlacement => ({
      ...placement,
      role: i === 0 ? 'primary' : 'fallback',
      reasons: [],
    }),
  )
  const tasks = Object.fromEntries(
    TASKS.map((task) => [task, planned.filter((placement) => placement.task === task)]),
  )
  const plan = { policy: 'development' as const, simulated: false, tasks, rejected: [] }
  const serving = createServing({
    plan,
    workers,
    models: [FAKE_MODEL],
    config: Config.parse(settings),
    observer: observeWith([observer]),
  })
  running.push(serving)
  return { serving, workers }
}

export const interactive = { priority: 'interactive' as Priority }
export const bulk = { priority: 'bulk' as Priority }

export const failure = (promise: Promise<unknown>): Promise<TandemError> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: TandemError) => error,
  )
