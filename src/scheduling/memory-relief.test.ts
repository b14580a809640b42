import { afterEach, expect, test } from 'vitest'
import { FAKE_MODEL, fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { Knowledge } from '../calibration/index.ts'
import { Config } from '../config/index.ts'
import type { Plan, PlannedPlacement, Task } from '../domain/index.ts'
import { unloadIdle } from './idle-unload.ts'
import { Conductor, createServing, type ManagedServing } from './index.ts'
import { relieveMemory } from './memory-relief.ts'
import { createResidency } from './residency.ts'
import { interactive } from './serving.suite.ts'

const GIB = 1024 ** 3
const TOTAL = 100 * GIB

const running: ManagedServing[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((serving) => serving.drain(0)))
})

/** Embeddings on npu0 and behind it cpu, a chat on gpu0; they take 1, 2 and 3 GiB of the system's memory. */
async function started({ pin, policy = 'economy' }: { pin?: Task; policy?: string } = {}) {
  const placement = (task: Task, device: string, gib: number, isFirst: boolean): PlannedPlacement => {
    const memory = { hostBytes: gib * GIB, deviceBytes: 0, weightBytes: 0, kvBytes: 0, computeBytes: 0 }
    const kind = device === 'cpu' ? 'cpu' : device === 'npu0' ? 'npu' : 'dgpu'
    const role = isFirst ? 'primary' : 'fallback'
    return { ...fakeWorker(task, device).placement, kind, role, reasons: [], memory }
  }
  const tasks = {
    embed: [placement('embed', 'npu0', 1, true), placement('embed', 'cpu', 2, false)],
    chat: [placement('chat', 'gpu0', 3, true)],
  }
  const plan: Plan = { policy, simulated: false, tasks, rejected: [] }
  const conductor = new Conductor({
    makePlan: () => plan,
    workerOptions: ({ task, device }) => fakeWorker(task, device),
    modelsOf: () => [FAKE_MODEL],
  })
  const workers = conductor.start()
  const config = Config.parse({ placement: { policy } })
  const serving = createServing({ plan, workers, models: [FAKE_MODEL], config })
  running.push(serving)
  conductor.attach(serving)
  await Promise.all(workers.map((worker) => worker.ready()))
  const warnings: string[] = []
  const pins = pin ? { [pin]: { device: 'gpu0' } } : {}
  const knowledge = { survey: { pins, config, devices: [] } } as unknown as Knowledge
  const relief = { conductor, serving, knowledge, log: { warn: (text: string) => warnings.push(text) } }
  const resting = () =>
    serving.workers().flatMap(({ device, state }) => (state === 'stopped' ? [device] : []))
  return { relief, resting, warnings, serving }
}

test('enough memory unloads nothing; short memory the least recently used, no more than needed', async () => {
  const { relief, resting, warnings } = await started()
  relief.serving.lastUsedMs = (id) => (id.endsWith('gpu0') ? 2 : 1)
  relieveMemory(relief, 5 * GIB, TOTAL)
  expect(resting()).toEqual([])
  relieveMemory(relief, 1.95 * GIB, 49 * GIB) // 3.92 are wanted: either has them, cpu rests longer
  expect(resting()).toEqual(['cpu'])
  expect(warnings).toEqual(["the system's memory is short: embed:fake:onnxruntime:cpu unloaded until needed"])
})

test('never the encoder of an index, nor what the configuration asks for; a request loads again', async () => {
  const { relief, resting, serving } = await started()
  relieveMemory(relief, 0.5 * GIB, TOTAL)
  expect(resting().sort()).toEqual(['cpu', 'gpu0'])
  const chat = { model: 'fake', prompt: 'a b', sampling: { stop: [] } }
  expect((await serving.complete(chat as never, interactive, () => {})).servedBy.device).toBe('gpu0')
  expect(resting()).toEqual(['cpu'])

  const pinned = await started({ pin: 'chat' })
  relieveMemory(pinned.relief, 0.5 * GIB, TOTAL)
  expect(pinned.resting()).toEqual(['cpu'])
})

const noServers = () => []

test('economy unloads a chat model on a GPU that nobody asks, development does not', async () => {
  const readySinceMs = new Map<string, number>()
  const economy = await started()
  const residency = createResidency(economy.relief.conductor, noServers)
  const now = performance.now()
  unloadIdle({ ...economy.relief, readySinceMs, residency }, now)
  unloadIdle({ ...economy.relief, readySinceMs, residency }, now + 299_000)
  expect(economy.resting()).toEqual([])
  unloadIdle({ ...economy.relief, readySinceMs, residency }, now + 300_001)
  expect(economy.resting()).toEqual(['gpu0'])

  const development = await started({ policy: 'development' })
  unloadIdle(
    {
      ...development.relief,
      readySinceMs: new Map(),
      residency: createResidency(development.relief.conductor, noServers),
    },
    now,
  )
  unloadIdle(
    {
      ...development.relief,
      readySinceMs: new Map(),
      residency: createResidency(development.relief.conductor, noServers),
    },
    now + 1e9,
  )
  expect(development.resting()).toEqual([])
})

test('a client holds a chat model, and lets it go; an encoder stays', async () => {
  const { relief, resting, serving } = await started()
  let now = 0
  const residency = createResidency(relief.conductor, noServers, () => now)
  const idle = (ms: number) => unloadIdle({ ...relief, readySinceMs, residency }, performance.now() + ms)
  const readySinceMs = new Map<string, number>()
  residency.hold('fake', 1_000_000)
  now = 400_000
  idle(0)
  idle(400_000)
  expect([resting(), residency.heldMs('fake')]).toEqual([[], 600_000])
  now = 1_000_001
  expect(residency.heldMs('fake')).toBe(0)
  residency.hold('fake', Number.POSITIVE_INFINITY)
  expect(residency.heldMs('fake')).toBe(Number.POSITIVE_INFINITY)
  expect(residency.unload('fake')).toBe(true)
  expect([resting(), residency.heldMs('fake')]).toEqual([['gpu0'], 0])
  expect([residency.unload('fake'), residency.unload('nobody')]).toEqual([false, false])
  const chat = { model: 'fake', prompt: 'a b', sampling: { stop: [] } }
  expect((await serving.complete(chat as never, interactive, () => {})).servedBy.device).toBe('gpu0')
  expect(resting()).toEqual([])
})

test('a chat model that answers is not unloaded', async () => {
  const { relief, resting, serving } = await started()
  const residency = createResidency(relief.conductor, noServers)
  const chat = { model: 'fake', prompt: 'fault:slow:600000', sampling: { stop: [] } }
  const left = new AbortController()
  const running = serving.complete(chat as never, { ...interactive, signal: left.signal }, () => {})
  await expect.poll(() => serving.activity().inFlight).toBe(1)
  expect([residency.unload('fake'), resting()]).toEqual([false, []])
  left.abort()
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
})
