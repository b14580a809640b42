import { afterEach, expect, test } from 'vitest'
import { isRunning, runningInGroup } from '../../../test/processes.ts'
import { describeOpenVino } from '../../../test/support/openvino.ts'
import type { Placement } from '../../domain/index.ts'
import { startWorker, type Worker } from '../../workers/index.ts'
import type { LoadSpec } from '../contract.ts'
import { severalAtOnceSuite } from '../several-at-once.suite.ts'
import { model, specOf } from './load.suite.ts'

const running: Worker[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop(0)))
})

function start(device: string, settings: LoadSpec['settings'] = {}): Worker {
  const placement: Placement = {
    task: 'embed',
    model: model.id,
    engine: 'openvino',
    device,
    kind: 'cpu',
    simulated: false,
  }
  const worker = startWorker({ placement, spec: specOf(device, settings) })
  running.push(worker)
  return worker
}

const request = (inputs: string[]) => ({ model: model.id, inputs, purpose: 'passage' }) as const

describeOpenVino('a worker on OpenVINO', () => {
  test('embeds, and says which version of the library answers', async () => {
    const worker = start('HETERO:CPU')
    const info = await worker.ready()
    expect(info).toMatchObject({ dimensions: 384, maxTokens: 512 })
    expect(info.engineVersion).toMatch(/^20\d\d\./)
    expect((await worker.embed(request(['a', 'b']))).tokens.length).toBe(2)
  })

  severalAtOnceSuite(() => start('CPU', { requests: 2 }), 0.9999)

  test.each([
    ['CPU', 'dynamic'],
    ['HETERO:CPU', 'static'],
    ['AUTO:CPU', 'dynamic'],
  ])('times the layers on %s with %s shapes', async (device, shapes) => {
    const worker = start(device, { shapes, properties: { PERF_COUNT: 'YES' } })
    await worker.ready()
    const layers = await worker.profile('export function add(a: number, b: number): number {}')
    expect(layers.length).toBeGreaterThan(50)
    expect(layers.filter((layer) => layer.device !== 'CPU')).toEqual([])
    expect(layers.filter((layer) => layer.name.startsWith('subgraph'))).toEqual([])
    expect(new Set(layers.map((layer) => layer.type))).toContain('FullyConnected')
    expect(layers.reduce((sum, layer) => sum + layer.ms, 0)).toBeGreaterThan(0)
    expect((await worker.embed(request(['still works']))).tokens.length).toBe(1)
  })

  test('a profile of a model that was not loaded for it says what to do', async () => {
    const worker = start('CPU')
    await worker.ready()
    await expect(worker.profile('text')).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('PERF_COUNT'),
    })
  })

  test.skipIf(process.platform !== 'linux')('killed while shapes compile it leaves no process', async () => {
    const worker = start('CPU', { shapes: 'static', buckets: [32, 256, 384, 480, 512] })
    const { pid } = await worker.ready()
    const answer = worker.embed(request(['long '.repeat(500)])) // waits for the last shape
    const failed = expect(answer).rejects.toMatchObject({ code: 'WORKER_LOST' })
    process.kill(pid!, 'SIGKILL')
    await failed
    await worker.stop(0)
    expect(isRunning(pid!)).toBe(false)
    expect(runningInGroup(pid!)).toEqual([])
  })

  test('stopped while its first shape compiles it is gone', async () => {
    const worker = start('CPU', { shapes: 'static', buckets: [512] })
    const refused = expect(worker.ready()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await worker.stop(5000)
    await refused
    expect(worker.state).toBe('stopped')
  })

  test('with a device that is not here says so', async () => {
    const worker = start('NPU')
    const [event] = await new Promise<[unknown]>((resolve) => {
      worker.onEvent((told) => resolve([told]))
    })
    expect(event).toMatchObject({
      state: 'restarting',
      error: { code: 'DEVICE_NOT_FOUND', message: expect.stringContaining('NPU') },
    })
  })
})
