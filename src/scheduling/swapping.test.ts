/** Two chat models on one device that do not fit together, and an encoder on another; the processes are real. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { FAKE_MODEL, fakeWorker } from '../../test/fakes/fault-worker.ts'
import { Config } from '../config/index.ts'
import { type Model, type Plan, type PlannedPlacement, placementId } from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import { Conductor, createServing, type ManagedServing } from './index.ts'
import { failure, interactive } from './serving.suite.ts'

const running: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((end) => end()))
})

const model = (id: string): Model => ({ ...FAKE_MODEL, id })
const chatOf = (id: string): PlannedPlacement => ({
  ...fakeWorker('chat', 'gpu0').placement,
  model: id,
  role: 'primary',
  reasons: [],
})
const [TALK, APPLY] = ['talk', 'apply'].map((id) => placementId(chatOf(id))) as [string, string]
const EMBED: PlannedPlacement = { ...fakeWorker('embed', 'npu0').placement, role: 'primary', reasons: [] }

interface Setup {
  readonly conductor: Conductor
  readonly serving: ManagedServing
  readonly worker: (id: string) => Worker
  /** Ids of workers as they began to load. */
  readonly order: string[]
  /** Loads that began while the process of the other chat model was alive. */
  readonly together: string[]
}

/** @param swaps whether the plan says so, now. @param loadFault of the second */
function conduct(swaps: () => boolean, loadFault?: string): Setup {
  const makePlan = (): Plan => {
    const chats = [TALK, APPLY].map((id, at): PlannedPlacement => {
      const placement = chatOf(['talk', 'apply'][at]!)
      return swaps() ? { ...placement, swapsWith: [id === TALK ? APPLY : TALK] } : placement
    })
    return { policy: 'development', simulated: false, tasks: { chat: chats, embed: [EMBED] }, rejected: [] }
  }
  const workers = new Map<string, Worker>()
  const order: string[] = []
  const together: string[] = []
  const began = (worker: Worker) => {
    order.push(worker.id)
    for (const [id, pid] of pids) if (id !== worker.id && isAlive(pid)) together.push(worker.id)
  }
  const pids = new Map<string, number>()
  const conductor = new Conductor({
    makePlan,
    workerOptions: (placement) => {
      const { task, device } = placement
      const slow = placement.model === 'apply' && loadFault ? { loadFault } : {}
      const options = fakeWorker(task, device, slow)
      return { ...options, placement, spec: { ...options.spec, model: model(placement.model) } }
    },
    modelsOf: () => [model('talk'), model('apply'), FAKE_MODEL],
    onWorker: (worker) => {
      workers.set(worker.id, worker)
      if (worker.placement.task !== 'chat') return
      if (!worker.resting) began(worker)
      worker.onEvent(({ state }) => {
        if (state === 'starting') began(worker)
        if (worker.info) pids.set(worker.id, worker.info.pid!)
      })
    },
  })
  const options = { plan: conductor.plan, workers: conductor.start(), config: Config.parse({}) }
  const serving = createServing({ ...options, models: [model('talk'), model('apply'), FAKE_MODEL] })
  running.push(() => serving.drain(0))
  conductor.attach(serving)
  return { conductor, serving, order, together, worker: (id) => workers.get(id)! }
}

const chat = (serving: ManagedServing, to: 'talk' | 'apply', content: string, signal?: AbortSignal) =>
  serving.chat(
    {
      model: to,
      messages: [{ role: 'user', content }],
      sampling: { stop: [] },
      tools: [],
      toolChoice: 'auto',
      responseFormat: { type: 'text' },
    },
    { ...interactive, ...(signal ? { signal } : {}) },
    () => {},
  )
const embed = (serving: ManagedServing, text: string) =>
  serving.embed({ model: 'fake', inputs: [text], purpose: 'query' }, interactive)

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('the second begins unloaded and the server is ready; however many ask for both, each loads once a swap, never beside the other', async () => {
  const { conductor, serving, worker, order, together } = conduct(() => true)
  await serving.ready()
  expect(serving.isReady()).toBe(true)
  expect([worker(TALK).resting, worker(APPLY).resting]).toEqual([false, true])
  expect(conductor.isComplete()).toBe(true) // the one that makes room is not missed
  expect(conductor.loaded().tasks.chat?.map((each) => each.model)).toEqual(['talk'])
  expect(serving.workers().find(({ id }) => id === APPLY)).toMatchObject({
    state: 'stopped',
    error: 'unloaded, it loads again when it is needed, instead of talk',
    swapsWith: [TALK],
  })
  for (const _ of [1, 2]) {
    const asked = Array.from({ length: 40 }, (_, i) => [i % 2 ? 'talk' : 'apply', `words of ${i}`] as const)
    const answers = await Promise.all(asked.map(([to, text]) => chat(serving, to, text)))
    expect(answers.map(({ result }) => result.text)).toEqual(asked.map(([, text]) => text))
    expect(answers.map(({ servedBy }) => servedBy.model)).toEqual(asked.map(([to]) => to))
  }
  expect(order.length).toBeGreaterThan(3)
  for (const [at, id] of order.entries()) expect(id).not.toBe(order[at - 1]) // none twice in a row
  expect(order.length).toBeLessThan(20) // they do not drive each other out for each request
  expect(together).toEqual([])
})

test('while one loads the other device goes on; who leaves leaves the queue, and those who stay share one load', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-swapping-'))
  running.push(async () => rmSync(folder, { recursive: true }))
  const loads = join(folder, 'go')
  const { serving, worker, order } = conduct(() => true, `fault:until:${loads}`)
  await serving.ready()
  const left = new AbortController()
  const leaving = failure(chat(serving, 'apply', 'not for long', left.signal))
  const staying = Array.from({ length: 8 }, (_, i) => chat(serving, 'apply', `text ${i}`))
  const waiting = () =>
    serving.queues().find(({ model, priority }) => model === 'apply' && priority === 'interactive')
  await expect.poll(() => worker(APPLY).state).toBe('starting')
  expect(waiting()?.waiting).toBe(9)
  left.abort()
  expect((await leaving).code).toBe('CANCELLED')
  expect(waiting()?.waiting).toBe(8)
  for (let answered = 0; answered < 20; answered += 1) await embed(serving, `text ${answered}`)
  expect(worker(APPLY).state).toBe('starting')
  expect(waiting()?.waiting).toBe(8)
  writeFileSync(loads, '')
  expect((await Promise.all(staying)).map(({ result }) => result.text)).toContain('text 7')
  expect(order).toEqual([TALK, APPLY])
})

test('what is asked beside the queue waits for its turn as well', async () => {
  const { serving, worker, together } = conduct(() => true)
  await serving.ready()
  expect(await serving.countTokens('apply', ['three words here'])).toEqual([3])
  expect([worker(TALK).resting, worker(APPLY).resting]).toEqual([true, false])
  const both = [serving.countTokens('talk', ['a b']), serving.countTokens('apply', ['a b c'])]
  expect(await Promise.all(both)).toEqual([[2], [3]])
  expect(together).toEqual([])
})

test('a plan in which both fit loads both, and one in which they do not again makes room when one is asked for', async () => {
  let swaps = true
  const { conductor, serving, worker } = conduct(() => swaps)
  await serving.ready()
  swaps = false
  expect(conductor.replan('another program freed memory')).toBe(true)
  await Promise.all([chat(serving, 'apply', 'a'), chat(serving, 'talk', 'b')])
  expect([worker(TALK).resting, worker(APPLY).resting]).toEqual([false, false])
  swaps = true
  expect(conductor.replan('another program took memory')).toBe(true)
  expect(worker(TALK).rest()).toBe(true) // idle, say
  await chat(serving, 'talk', 'c')
  expect([worker(TALK).resting, worker(APPLY).resting]).toEqual([false, true])
})
