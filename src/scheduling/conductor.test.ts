import { afterEach, expect, test } from 'vitest'
import { FAKE_MODEL, fakeWorker } from '../../test/fakes/fault-worker.ts'
import { Config } from '../config/index.ts'
import { type Plan, type PlanChange, type PlannedPlacement, TandemError } from '../domain/index.ts'
import type { WorkerOptions } from '../workers/index.ts'
import { Conductor, createServing, type ManagedServing, type Refusal } from './index.ts'
import { bulk, interactive } from './serving.suite.ts'

const running: ManagedServing[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((serving) => serving.drain(0)))
})

const planned = (device: string): PlannedPlacement => ({
  ...fakeWorker('embed', device).placement,
  role: 'primary',
  reasons: [],
})

/** Embeddings on the first of `devices()` that was not refused, the others as fallbacks. */
function conduct(devices: () => readonly string[], admit: Record<string, WorkerOptions['admit']> = {}) {
  const makePlan = (refusals: readonly Refusal[]): Plan => {
    const left = devices().filter((device) => !refusals.some((refusal) => refusal.device === device))
    const rejected = refusals.map(({ task, model, engine, device, reason }) => ({
      task,
      model,
      engine,
      device,
      reason,
    }))
    const tasks = { embed: left.map(planned) }
    return { policy: 'development', simulated: false, tasks, rejected }
  }
  const conductor = new Conductor({
    makePlan,
    workerOptions: ({ device }) => {
      const check = admit[device]
      return fakeWorker('embed', device, check ? { admit: check } : {})
    },
    modelsOf: () => [FAKE_MODEL],
  })
  const workers = conductor.start()
  const models = [FAKE_MODEL]
  const serving = createServing({ plan: conductor.plan, workers, models, config: Config.parse({}) })
  running.push(serving)
  conductor.attach(serving)
  const changes: PlanChange[] = []
  conductor.onChange((change) => changes.push(change))
  return { conductor, serving, changes }
}

const embed = (serving: ManagedServing, ...inputs: string[]) =>
  serving.embed({ model: 'fake', inputs, purpose: 'passage' }, inputs.length > 16 ? bulk : interactive)

const devicesOf = (serving: ManagedServing) => serving.workers().map((worker) => worker.device)

test('another plan while bulk runs: nothing is lost, the new worker serves, the old process ends', async () => {
  let devices = ['cpu']
  const { conductor, serving, changes } = conduct(() => devices)
  await serving.ready()
  const pid = serving.workers()[0]?.pid as number
  const index = embed(serving, ...Array.from({ length: 2000 }, (_, i) => `text ${i}`))
  devices = ['npu0']
  expect(conductor.replan('npu0 was measured')).toBe(true)
  expect((await index).result.vectors).toHaveLength(2000 * 8)
  expect(changes).toMatchObject([
    { cause: 'npu0 was measured', plan: { tasks: { embed: [{ device: 'npu0' }] } } },
  ])
  await serving.ready()
  expect((await embed(serving, 'after')).servedBy).toMatchObject({ device: 'npu0' })
  await expect.poll(() => devicesOf(serving)).toEqual(['npu0'])
  await expect.poll(() => isAlive(pid)).toBe(false)
})

test('a plan that serves alike changes nothing and is no event', async () => {
  const { conductor, serving, changes } = conduct(() => ['cpu'])
  await serving.ready()
  const [before] = serving.workers()
  expect(conductor.replan('nothing')).toBe(false)
  expect(serving.workers()).toEqual([before])
  expect(changes).toEqual([])
})

test('[vector-safe] a worker whose vectors differ leaves the plan, with the cosine; another one serves', async () => {
  const differs = new TandemError('VECTOR_MISMATCH', {
    engine: 'x',
    cosine: '0.9312',
    madeBy: 'y',
    file: 'z',
  })
  const { conductor, serving, changes } = conduct(() => (refusedOnce ? ['npu0', 'cpu'] : ['npu0']), {
    npu0: () => {
      refusedOnce = true // what the planner held back as slower is better than nothing now
      return Promise.reject(differs)
    },
  })
  await serving.ready()
  expect((await embed(serving, 'a')).servedBy).toMatchObject({ device: 'cpu' })
  expect(changes.map(({ cause }) => cause)).toEqual([
    'onnxruntime on npu0 was refused: vectors differ, cosine 0.9312',
  ])
  expect(conductor.plan.rejected).toMatchObject([
    { device: 'npu0', reason: 'refused: vectors differ, cosine 0.9312' },
  ])
  expect(conductor.replan('a new driver', ({ device }) => device === 'npu0')).toBe(true)
  expect(devicesOf(serving)).toContain('npu0') // it may try again
})
let refusedOnce = false

test('what rests is loaded again by the request that needs it; meanwhile another answers where there is one', async () => {
  const { conductor, serving } = conduct(() => ['npu0'])
  await serving.ready()
  const id = serving.workers()[0]!.id
  expect(conductor.running(id)?.worker.rest()).toBe(true)
  expect(serving.workers()).toMatchObject([{ state: 'stopped', error: expect.stringContaining('unloaded') }])
  expect((await embed(serving, 'a')).servedBy).toMatchObject({ device: 'npu0' })

  const both = conduct(() => ['npu0', 'cpu'])
  await both.serving.ready()
  await Promise.all(both.serving.workers().map(({ id }) => both.conductor.running(id)?.worker.ready()))
  for (const { id } of both.serving.workers()) both.conductor.running(id)?.worker.rest()
  expect((await embed(both.serving, 'a')).servedBy.device).toBe('npu0') // the first is woken, not all
  expect(both.serving.workers().map(({ state }) => state)).toEqual(['ready', 'stopped'])
  const [first] = both.serving.workers()
  process.kill(first!.pid!, 'SIGKILL')
  await expect.poll(() => both.serving.workers()[0]?.state).not.toBe('ready')
  expect((await embed(both.serving, 'b')).result.vectors).toHaveLength(8)
})

test('a plan that returns to a worker that still serves keeps it: nobody waits, no second copy', async () => {
  let devices = ['cpu']
  const slow = { npu0: () => new Promise<void>(() => {}) } // its check never ends: it never is ready
  const { conductor, serving } = conduct(() => devices, slow)
  await serving.ready()
  const [before] = serving.workers()
  devices = ['npu0']
  conductor.replan('npu0 was measured')
  expect((await embed(serving, 'a')).servedBy.device).toBe('cpu')
  devices = ['cpu']
  conductor.replan('npu0 is gone')
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => embed(serving, `text ${i}`)))
  expect(answers.map(({ servedBy }) => servedBy.device)).toEqual(Array(20).fill('cpu'))
  await expect.poll(() => serving.workers()).toMatchObject([{ device: 'cpu', pid: before?.pid }])
})

test('a device that comes back after its worker was let go gets a new worker', async () => {
  let devices = ['npu0', 'cpu']
  const { conductor, serving } = conduct(() => devices)
  await serving.ready()
  devices = ['cpu']
  conductor.replan('npu0 is gone')
  await serving.ready()
  await expect.poll(() => devicesOf(serving)).toEqual(['cpu'])
  devices = ['npu0', 'cpu']
  conductor.replan('npu0 is back')
  // a process has to start
  await expect.poll(async () => (await embed(serving, 'a')).servedBy.device).toBe('npu0')
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('what rests is opened as the plan has it by then; what is loaded stays as it was opened', async () => {
  let contextTokens = 8192
  const opened: (number | undefined)[] = []
  const conductor = new Conductor({
    makePlan: () => {
      const load = { contextTokens, slots: 1, kvType: 'f16', gpuLayers: 1, cpuExpertLayers: 0 } as const
      const placement = {
        ...fakeWorker('chat', 'gpu0').placement,
        role: 'primary',
        reasons: [],
        load,
      } as const
      return { policy: 'development', simulated: false, tasks: { chat: [placement] }, rejected: [] }
    },
    workerOptions: ({ load }) => {
      opened.push(load?.contextTokens)
      return fakeWorker('chat', 'gpu0')
    },
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
  conductor.attach(serving)
  await serving.ready()
  contextTokens = 4096
  expect(conductor.replan('less room')).toBe(false)
  expect(conductor.workers()[0]!.rest()).toBe(true)
  expect(conductor.replan('less room')).toBe(true)
  expect(conductor.workers().map(({ resting }) => resting)).toEqual([true])
  const chat = { model: 'fake', prompt: 'a b', sampling: { stop: [] } } as never
  expect((await serving.complete(chat, interactive, () => {})).servedBy.device).toBe('gpu0')
  expect(opened).toEqual([8192, 4096])
  expect(serving.workers()).toHaveLength(1)
})
