import { availableParallelism, totalmem } from 'node:os'
import { expect, test } from 'vitest'
import { discoverDevices } from './index.ts'
import { mergeDevices } from './merge.ts'

test('a machine without accelerators has one device, the CPU as the system reports it', () => {
  const devices = discoverDevices()
  expect(devices).toHaveLength(1)
  expect(devices[0]).toMatchObject({
    id: 'cpu',
    kind: 'cpu',
    memoryBytes: totalmem(),
    cores: availableParallelism(),
    simulated: false,
  })
  expect(devices[0]?.name).not.toBe('')
})

test("an engine's CPU is the one that the system knows; accelerators come before it, with ids of their own", () => {
  const [cpu] = discoverDevices()
  const seen = (name: string, kind: 'cpu' | 'npu' | 'igpu' | 'dgpu', memoryBytes?: number) => ({
    engine: 'openvino' as const,
    name,
    kind,
    title: `Some ${name}`,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  })
  const devices = mergeDevices(cpu!, [
    seen('CPU', 'cpu'),
    seen('GPU.0', 'igpu'),
    seen('GPU.1', 'dgpu', 12e9),
    seen('NPU', 'npu'),
  ])
  expect(devices.map(({ id, kind, engines }) => [id, kind, engines.openvino])).toEqual([
    ['npu0', 'npu', 'NPU'],
    ['gpu1', 'dgpu', 'GPU.1'],
    ['gpu0', 'igpu', 'GPU.0'],
    ['cpu', 'cpu', 'CPU'],
  ])
  expect(devices[1]).toMatchObject({ name: 'Some GPU.1', memoryBytes: 12e9, simulated: false })
  expect(devices[3]).toMatchObject({ name: cpu!.name, engines: { onnxruntime: 'cpu' } })
})
