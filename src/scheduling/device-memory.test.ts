import { afterEach, expect, test } from 'vitest'
import { FAKE_MODEL, fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { Knowledge } from '../calibration/index.ts'
import { Config } from '../config/index.ts'
import type { Taken } from '../devices/index.ts'
import type { Device, Plan, PlanChange, PlannedPlacement, Task } from '../domain/index.ts'
import { DeviceMemory } from './device-memory.ts'
import { Conductor, createServing, type ManagedServing } from './index.ts'
import { interactive } from './serving.suite.ts'

const GIB = 1024 ** 3

const running: ManagedServing[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((serving) => serving.drain(0)))
})

/** A chat of 8 GiB and a reranker of 2 GiB on a card of 12; they are on the CPU where less is left for them. */
async function started({ pin, freeBytes }: { pin?: Task; freeBytes?: number } = {}) {
  const card: Device = {
    id: 'gpu0',
    kind: 'dgpu',
    name: 'a card',
    memoryBytes: 12 * GIB,
    engines: { onnxruntime: 'gpu0' },
    simulated: false,
    ...(freeBytes === undefined ? {} : { freeBytes }),
  }
  let devices = [card]
  const placement = (task: Task, gib: number): PlannedPlacement => {
    const [{ freeBytes = 12 * GIB }] = devices as [Device]
    const device = gib * GIB + 0.36 * GIB <= freeBytes - (task === 'rerank' ? 8 * GIB : 0) ? 'gpu0' : 'cpu'
    const memory = { deviceBytes: gib * GIB, hostBytes: 0, weightBytes: 0, kvBytes: 0, computeBytes: 0 }
    return { ...fakeWorker(task, device).placement, kind: 'dgpu', role: 'primary', reasons: [], memory }
  }
  const makePlan = (): Plan => {
    const tasks = { chat: [placement('chat', 8)], rerank: [placement('rerank', 2)] }
    return { policy: 'development', simulated: false, tasks, rejected: [] }
  }
  const conductor = new Conductor({
    makePlan,
    workerOptions: ({ task, device }) => fakeWorker(task, device),
    modelsOf: () => [FAKE_MODEL],
  })
  const workers = conductor.start()
  const serving = createServing({
    plan: conductor.plan,
    workers,
    models: [FAKE_MODEL],
    config: Config.parse({}),
  })
  running.push(serving)
  await serving.ready()
  conductor.attach(serving)
  const changes: PlanChange[] = []
  conductor.onChange((change) => changes.push(change))
  const survey = { pins: pin ? { [pin]: { device: 'gpu0' } } : {} }
  const noteMemory = (_: string, free: number, othersBytes: number) => {
    devices = [{ ...card, freeBytes: free, othersBytes }]
  }
  const knowledge = {
    noteMemory,
    get survey() {
      return { ...survey, devices }
    },
  } as unknown as Knowledge
  const warnings: string[] = []
  const memory = new DeviceMemory({
    conductor,
    serving,
    knowledge,
    log: { warn: (text) => warnings.push(text) },
  })
  const look = (taken: Taken, nowMs = 0) => memory.look(new Map([['gpu0', taken]]), nowMs)
  const where = () =>
    Object.fromEntries(
      serving.workers().map(({ task, device, state }) => [`${task} ${device}`, state] as const),
    )
  return { look, where, changes, warnings, serving, others: () => devices[0]?.othersBytes }
}

const chat = (prompt: string) => ({ model: 'fake', prompt, sampling: { stop: [] } }) as never

test('nobody tells: nothing is done; enough is left: neither', async () => {
  const { look, where, changes, warnings } = await started()
  look({})
  look({ othersBytes: 1.5 * GIB })
  expect([where(), changes, warnings]).toEqual([{ 'chat gpu0': 'ready', 'rerank gpu0': 'ready' }, [], []])
})

test('what nobody asks is unloaded first, least recently used, and the plan says where it is loaded then', async () => {
  const { look, where, changes, warnings, serving } = await started()
  await serving.complete(chat('a b'), interactive, () => {})
  look({ othersBytes: 2.5 * GIB }) // 9.5 are left of the 10 that are loaded
  expect(warnings).toEqual([
    'the memory of gpu0 is short, other programs have 2.5 GiB of 12.0: rerank:fake:onnxruntime:gpu0 unloaded until needed',
  ])
  expect(changes).toMatchObject([
    {
      cause: "other programs have 2.5 GiB of gpu0's 12.0 GiB",
      plan: { tasks: { rerank: [{ device: 'cpu' }] } },
    },
  ])
  expect(where()).toMatchObject({ 'chat gpu0': 'ready' })
  const reranked = serving.rerank({ model: 'fake', query: 'a', documents: ['b'] }, interactive)
  expect((await reranked).servedBy.device).toBe('cpu')
})

test('an answer is written to its end where it began, the next one is given elsewhere', async () => {
  const { look, where, changes, serving } = await started()
  const devices: string[] = []
  const context = {
    ...interactive,
    onServedBy: ({ device }: { readonly device: string }) => devices.push(device),
  }
  const answer = serving.complete(chat('fault:slow:600'), context, () => {})
  await expect.poll(() => devices).toEqual(['gpu0'])
  look({ othersBytes: 6 * GIB })
  expect(changes).toHaveLength(1)
  await serving.ready()
  expect((await serving.complete(chat('a b'), interactive, () => {})).servedBy.device).toBe('cpu')
  expect((await answer).servedBy.device).toBe('gpu0')
  await expect.poll(where).toEqual({ 'chat cpu': 'ready', 'rerank cpu': 'ready' })
  look({ othersBytes: GIB }, 1_000)
  look({ othersBytes: GIB }, 30_000)
  expect(changes).toHaveLength(1)
  look({ othersBytes: GIB }, 31_001)
  expect(changes).toHaveLength(2)
  await serving.ready()
  expect((await serving.complete(chat('a b'), interactive, () => {})).servedBy.device).toBe('gpu0')
})

test('what the user pinned there stays', async () => {
  const { look, where, changes } = await started({ pin: 'chat' })
  look({ othersBytes: 6 * GIB })
  expect(changes).toMatchObject([
    { plan: { tasks: { chat: [{ device: 'gpu0' }], rerank: [{ device: 'cpu' }] } } },
  ])
  expect(where()).toMatchObject({ 'chat gpu0': 'ready' })
})

test('only the sum is told: what ours were planned to take is taken off it', async () => {
  const { look, changes, others } = await started()
  look({ usedBytes: 11 * GIB })
  expect(changes).toEqual([])
  look({ usedBytes: 11.95 * GIB }) // less than a hundredth is left: the two rest
  expect(changes).toMatchObject([{ plan: { tasks: { rerank: [{ device: 'cpu' }] } } }])
  expect(others()).toBeCloseTo(1.95 * GIB, -3)
})

test('programs of others, which cannot be seen, had some of it from the start', async () => {
  const { look, others } = await started({ freeBytes: 11 * GIB })
  look({ othersBytes: 0.4 * GIB, partial: true })
  look({ othersBytes: 1.4 * GIB, partial: true })
  expect(others()).toBeCloseTo(2 * GIB, -3)
})
