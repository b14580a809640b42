import { afterEach, expect, test } from 'vitest'
import { FAKE_MODEL, fakeWorker } from '../../test/fakes/fault-worker.ts'
import type { Knowledge } from '../calibration/index.ts'
import { Config } from '../config/index.ts'
import type { Plan, PlannedPlacement } from '../domain/index.ts'
import { Conductor, createServing, type ManagedServing, type Refusal } from './index.ts'
import { relieveMemory } from './memory-relief.ts'
import { interactive } from './serving.suite.ts'

const GIB = 1024 ** 3
const TOTAL = 100 * GIB

const running: ManagedServing[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((serving) => serving.drain(0)))
})

/** Embeddings on npu0, behind it gpu0 and cpu, which take 3 and 2 GiB of the system's memory; gpu1 would be the next one, with 9. */
async function started(pin?: string) {
  const bytes: Record<string, number> = { npu0: 1, gpu0: 3, cpu: 2, gpu1: 9 }
  const devicesThere = Object.keys(bytes)
  const placement = (device: string, at: number): PlannedPlacement => {
    const hostBytes = bytes[device]! * GIB
    const memory = { hostBytes, deviceBytes: 0, weightBytes: 0, kvBytes: 0, computeBytes: 0 }
    return {
      ...fakeWorker('embed', device).placement,
      role: at === 0 ? 'primary' : 'fallback',
      reasons: [],
      memory,
    }
  }
  const makePlan = (refusals: readonly Refusal[]): Plan => {
    const left = devicesThere.filter((device) => !refusals.some((each) => each.device === device)).slice(0, 3)
    return { policy: 'p', simulated: false, tasks: { embed: left.map(placement) }, rejected: [] }
  }
  const conductor = new Conductor({
    makePlan,
    workerOptions: ({ device }) => fakeWorker('embed', device),
    modelsOf: () => [FAKE_MODEL],
  })
  const workers = conductor.start()
  const models = [FAKE_MODEL]
  const serving = createServing({ plan: conductor.plan, workers, models, config: Config.parse({}) })
  running.push(serving)
  conductor.attach(serving)
  await Promise.all(workers.map((worker) => worker.ready()))
  const warnings: string[] = []
  const others = devicesThere.map((device) => ({ placement: fakeWorker('embed', device).placement }))
  const pins = pin ? { embed: { device: pin } } : {}
  const knowledge = { survey: { pins, devices: [] }, candidates: () => others } as unknown as Knowledge
  const relief = { conductor, serving, knowledge, log: { warn: (text: string) => warnings.push(text) } }
  const devices = () => serving.workers().map(({ device }) => device)
  return { relief, devices, warnings, serving }
}

test('what stands behind goes, no more than needed, and comes back when there is room', async () => {
  const { relief, devices, warnings } = await started()
  relieveMemory(relief, 5 * GIB, TOTAL) // 4 GiB and less are short
  expect(devices()).toEqual(['npu0', 'gpu0', 'cpu'])
  relieveMemory(relief, 3.5 * GIB, TOTAL) // 8 GiB are wanted: both, the first never
  await expect.poll(devices).toEqual(['npu0'])
  expect(warnings).toEqual([
    "the system's memory is short: embed:fake:onnxruntime:cpu, embed:fake:onnxruntime:gpu0 unloaded",
  ])
  relieveMemory(relief, 9 * GIB, TOTAL) // room for neither above the 8
  expect(devices()).toEqual(['npu0'])
  relieveMemory(relief, 11.5 * GIB, TOTAL) // for the 3 GiB of one
  expect(devices()).toEqual(['npu0', 'gpu0'])
  relieveMemory(relief, 20 * GIB, TOTAL)
  expect(devices()).toEqual(['npu0', 'gpu0', 'cpu'])
})

test('the least recently used goes first; what the configuration asks for stays', async () => {
  const used = await started()
  used.relief.serving.lastUsedMs = (id) => (id.endsWith('gpu0') ? 2 : 1)
  relieveMemory(used.relief, 1.95 * GIB, 49 * GIB) // 3.92 are wanted: either has them, cpu rests longer
  await expect.poll(used.devices).toEqual(['npu0', 'gpu0'])

  const pinned = await started('gpu0')
  relieveMemory(pinned.relief, 0.5 * GIB, TOTAL)
  await expect.poll(pinned.devices).toEqual(['npu0', 'gpu0'])
  expect(
    (await pinned.serving.embed({ model: 'fake', inputs: ['a'], purpose: 'query' }, interactive)).servedBy
      .device,
  ).toBe('npu0')
})
