/** Faults in real worker processes, and how their supervisor takes them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { until } from '../../../test/support/api.ts'
import { simulatedMachine } from '../../devices/simulated/index.ts'
import { type Model, TandemError, type WorkerState } from '../../domain/index.ts'
import { startWorker, type Worker, type WorkerOptions } from '../../workers/index.ts'
import { Board } from './board.ts'
import { openSimulation, type Simulation, simulatedWorker } from './simulation.ts'
import { model as base } from './specs.suite.ts'

const home = mkdtempSync(join(tmpdir(), 'tandem-simulated-'))
const running: Worker[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop(0)))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const model: Model = {
  ...base,
  parameters: 20_000_000,
  files: { 'openvino-ir': [{ path: 'm.bin', sizeBytes: 20_000_000, sha256: '' }] },
}
const simulationOf = (faults: Record<string, string> = {}): Simulation =>
  openSimulation({ simulate: { machine: 'core-ultra-265k', faults, speedUp: 10 } }, home)!

function start(fault: string | undefined, more: Partial<WorkerOptions> = {}): Worker {
  const ref = { task: 'embed', model: model.id, engine: 'openvino', device: 'npu0' } as const
  const worker = startWorker({
    placement: { ...ref, kind: 'npu', simulated: true },
    spec: {
      model,
      task: 'embed',
      device: 'NPU',
      threads: 1,
      settings: simulatedWorker(simulationOf(fault ? { npu0: fault } : {}), ref, model).settings,
    },
    modulePath: simulatedWorker(simulationOf(), ref, model).modulePath,
    admit: async (embed) => void (await embed(['as the check of its vectors does'])),
    ...more,
  })
  running.push(worker)
  return worker
}

const request = (inputs: string[]) => ({ model: model.id, inputs, purpose: 'passage' }) as const
const one = request(['where is the queue bounded?'])

describe('a simulated worker', () => {
  test('crashes after its answers, and comes back as another process', async () => {
    const worker = start('crash:1')
    const { pid } = await worker.ready()
    expect((await worker.embed(one)).tokens).toHaveLength(1)
    await expect(worker.embed(one)).rejects.toMatchObject({ code: 'WORKER_LOST' })
    expect((await worker.ready()).pid).not.toBe(pid)
    expect((await worker.embed(one)).tokens).toHaveLength(1)
  })

  test('hangs as native code does: it is killed once a cancel is not heard', async () => {
    const worker = start('hang:0', { limits: { hangMs: 300 } })
    const { pid } = await worker.ready()
    await expect(worker.embed(one, { deadlineMs: 50 })).rejects.toBeInstanceOf(TandemError)
    await until(() => worker.state !== 'ready' && worker.state !== 'busy', 'its end')
    expect((await worker.ready()).pid).not.toBe(pid)
  })

  test('is replaced when its device is lost', async () => {
    const worker = start('lost:0', { limits: { failuresInRow: 2 } })
    const { pid } = await worker.ready()
    for (const _ of ['first', 'second'])
      await expect(worker.embed(one)).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    await until(() => worker.info !== undefined && worker.info.pid !== pid, 'another process')
  })

  test('does not load where memory is short', async () => {
    const states: (readonly [WorkerState, string | undefined])[] = []
    const worker = start('memory', { limits: { quarantineAfter: 1 } })
    worker.onEvent(({ state, error }) => states.push([state, error?.code]))
    await expect(worker.ready()).rejects.toMatchObject({ code: 'DEVICE_OUT_OF_MEMORY' })
    expect(states).toEqual([['quarantined', 'DEVICE_OUT_OF_MEMORY']])
  })

  test('is seen by the other workers of its machine while it works', async () => {
    const worker = start('slow:20')
    const { settings } = simulatedWorker(
      simulationOf(),
      { task: 'rerank', model: model.id, engine: 'openvino', device: 'cpu' },
      model,
    )
    const board = new Board(settings.board)
    await worker.ready()
    await until(() => board.share() === 1, 'nobody works')
    const answered = worker.embed(request(Array.from({ length: 50 }, () => 'word '.repeat(200))))
    let share = 1
    await until(() => {
      share = board.share()
      return share < 1
    }, 'the CPU notices the NPU')
    expect(share).toBe(0.9) // what the profile says that a CPU keeps beside its NPU
    await answered
    board.close()
  })
})

test('what a machine cannot run is refused with the reason', () => {
  const simulation = simulationOf()
  const ref = { task: 'embed', model: model.id, engine: 'openvino', device: 'HETERO:NPU,CPU' } as const
  expect(() => simulatedWorker(simulation, ref, model)).toThrow(/core-ultra-265k runs it on no such device/)
  expect(() => simulatedWorker(simulation, { ...ref, device: 'NPU' }, { ...model, files: {} })).toThrow(
    TandemError,
  )
  expect(simulatedWorker(simulation, { ...ref, device: 'NPU' }, model).settings.device).toBe('npu0')
})

test('without a machine nothing is simulated; its home is below the real one', () => {
  expect(openSimulation({ simulate: { faults: {}, speedUp: 1 } }, home)).toBeUndefined()
  expect(simulationOf().home).toBe(join(home, 'simulated', 'core-ultra-265k'))
  expect(simulationOf().machine).toBe(simulatedMachine('core-ultra-265k'))
})
