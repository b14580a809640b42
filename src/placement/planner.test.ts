import { describe, expect, test } from 'vitest'
import type { Device, EngineDescriptor, Model, Task } from '../domain/index.ts'
import { engineDevice, parsePin, usesCpu } from './pin.ts'
import { makePlan } from './planner.ts'
import { policyNamed } from './policies/index.ts'

const cpu: Device = {
  id: 'cpu',
  kind: 'cpu',
  name: 'Test CPU',
  memoryBytes: 1e9,
  engines: { onnxruntime: 'cpu', 'llama.cpp': 'cpu' },
  simulated: false,
}
const onnxruntime: EngineDescriptor = {
  id: 'onnxruntime',
  title: 'ONNX Runtime',
  tasks: ['embed'],
  devices: ['cpu'],
  formats: ['onnx'],
  needs: '',
}
const llamaCpp: EngineDescriptor = {
  id: 'llama.cpp',
  title: 'llama.cpp',
  tasks: ['chat', 'embed'],
  devices: ['cpu', 'igpu', 'dgpu'],
  formats: ['gguf'],
  needs: '',
}
const model = (id: string, files: Model['files']): Model => ({
  id,
  title: id,
  revision: '1',
  license: 'Apache-2.0',
  tasks: ['embed'],
  parameters: 1,
  contextTokens: 512,
  files,
  folder: '/',
  fingerprint: 'f',
})
const file = { path: 'm', sizeBytes: 10, sha256: '' }
const only = (task: Task, model: Model) => [{ task, model }]
const base = { policy: policyNamed('development'), devices: [cpu], engines: [onnxruntime, llamaCpp] }

test('a task goes to the engine that reads its model; the other is rejected with the reason', () => {
  const plan = makePlan({ ...base, models: only('embed', model('e', { onnx: [file] })) })
  expect(plan.tasks.embed).toMatchObject([{ engine: 'onnxruntime', device: 'cpu', role: 'primary' }])
  expect(plan.rejected).toEqual([
    {
      task: 'embed',
      model: 'e',
      engine: 'llama.cpp',
      device: 'cpu',
      reason: 'llama.cpp reads gguf; the model has onnx',
    },
  ])
})

test('of two engines that read the model on one device the first serves; the other can be asked for', () => {
  const models = only('embed', model('e', { onnx: [file], gguf: [file] }))
  const plan = makePlan({ ...base, models })
  expect(plan.tasks.embed?.map((p) => [p.engine, p.role])).toEqual([['onnxruntime', 'primary']])
  expect(plan.rejected).toMatchObject([
    { engine: 'llama.cpp', reason: expect.stringContaining('`placement.embed: llama.cpp` chooses') },
  ])
  const pinned = makePlan({ ...base, models, pins: { embed: { engine: 'llama.cpp' } } })
  expect(pinned.tasks.embed?.map((p) => [p.engine, p.device, p.role])).toEqual([
    ['llama.cpp', 'cpu', 'primary'],
    ['onnxruntime', 'cpu', 'fallback'],
  ])
})

describe('a pinned placement', () => {
  const engine = {
    ...onnxruntime,
    title: 'Some engine',
    virtualDevices: [
      { prefix: 'HETERO', chooses: false },
      { prefix: 'AUTO', chooses: true },
    ],
  }
  const gpu: Device = {
    ...cpu,
    id: 'gpu1',
    kind: 'dgpu',
    name: 'Test GPU',
    engines: { onnxruntime: 'GPU.1' },
  }
  const named: Device = { ...cpu, engines: { onnxruntime: 'CPU' } }
  const pin = (device: string) =>
    makePlan({
      ...base,
      engines: [engine],
      devices: [gpu, named],
      models: only('embed', model('e', { onnx: [file] })),
      pins: { embed: { engine: 'onnxruntime', device } },
      onUnmetPin: 'standIn',
    })

  test.each([
    ['GPU.1', 'dgpu'],
    ['gpu1', 'dgpu'],
    ['cpu', 'cpu'],
    ['HETERO:GPU.1,CPU', 'dgpu'],
    ['AUTO', 'dgpu'],
    ['AUTO:CPU(4)', 'cpu'],
    ['hetero:gpu1,cpu', 'dgpu'],
  ])('%s is placed as it was asked for', (device, kind) => {
    expect(pin(device).tasks.embed?.[0]).toMatchObject({ device, kind, role: 'primary' })
  })

  test.each([
    ['NPU', 'Some engine has no device NPU here; it has GPU.1, CPU'],
    ['HETERO:NPU,CPU', 'Some engine has no device NPU here; it has GPU.1, CPU'],
    ['MULTI:CPU', 'Some engine has no device MULTI:CPU here; it has GPU.1, CPU'],
    ['HETERO:', 'HETERO: must list its devices, as HETERO:GPU.1,CPU does'],
    ['HETERO', 'HETERO must list its devices, as HETERO:GPU.1,CPU does'],
    ['AUTO:CPU,', 'AUTO:CPU, must list its devices, as AUTO:GPU.1,CPU does'],
  ])('%s is rejected with what there is, and the plan goes on without it', (device, reason) => {
    const plan = pin(device)
    expect(plan.rejected).toContainEqual({ task: 'embed', model: 'e', engine: 'onnxruntime', device, reason })
    expect(plan.tasks.embed).toMatchObject([{ device: 'cpu', role: 'primary' }])
    expect(plan.tasks.embed?.[0]?.insteadOf).toEqual({ engine: 'onnxruntime', device, reason })
    expect(plan.tasks.embed?.[0]?.reasons).toContain(`stands in for onnxruntime on ${device}: ${reason}`)
  })

  test('an engine that knows no device says why', () => {
    const plan = makePlan({
      ...base,
      engines: [onnxruntime, { ...engine, id: 'openvino', needs: 'a library' }],
      models: only('embed', model('e', { onnx: [file] })),
      pins: { embed: { engine: 'openvino' } },
      problems: { openvino: 'none was found' },
      onUnmetPin: 'standIn',
    })
    const reason = 'Some engine knows no device here (none was found); it needs a library'
    expect(plan.tasks.embed?.[0]).toMatchObject({
      engine: 'onnxruntime',
      insteadOf: { engine: 'openvino', device: '', reason },
    })
  })

  test('the fallback is of another engine, and never the same device by another name', () => {
    const other: EngineDescriptor = { ...llamaCpp, formats: ['onnx'] }
    const npu: Device = { ...cpu, id: 'npu0', kind: 'npu', engines: { onnxruntime: 'NPU' } }
    const planWith = (engines: readonly EngineDescriptor[]) =>
      makePlan({
        ...base,
        engines,
        devices: [npu, { ...cpu, engines: { onnxruntime: 'CPU', 'llama.cpp': 'cpu' } }],
        models: only('embed', model('e', { onnx: [file] })),
        pins: { embed: { engine: 'onnxruntime', device: 'NPU' } },
      }).tasks.embed?.map((p) => [p.engine, p.device])
    const everywhere = { ...engine, devices: ['npu', 'cpu'] } as const
    expect(planWith([other, everywhere])).toEqual([
      ['onnxruntime', 'NPU'],
      ['llama.cpp', 'cpu'],
    ])
    expect(planWith([everywhere])).toEqual([
      ['onnxruntime', 'NPU'],
      ['onnxruntime', 'cpu'],
    ])
  })

  test.each([
    [{ kind: 'cpu', device: 'cpu' }, true],
    [{ kind: 'dgpu', device: 'HETERO:GPU.1,CPU' }, true],
    [{ kind: 'npu', device: 'AUTO' }, true],
    [{ kind: 'npu', device: 'HETERO:NPU,GPU' }, false],
    [{ kind: 'npu', device: 'npu0' }, false],
  ] as const)('%j takes threads of the CPU: %s', (placement, expected) => {
    expect(usesCpu(placement)).toBe(expected)
  })

  test('one that is asked for exclusively has no fallback', () => {
    const exclusive = (device: string) =>
      makePlan({
        ...base,
        exclusive: true,
        models: only('embed', model('e', { onnx: [file] })),
        pins: { embed: { engine: 'onnxruntime', device } },
      }).tasks.embed
    expect(exclusive('cpu')).toMatchObject([{ engine: 'onnxruntime', device: 'cpu' }])
    expect(exclusive('npu0')).toEqual([])
  })

  test('the engine gets its own name of the device', () => {
    const where = (device: string) => engineDevice({ engine: 'onnxruntime', device }, [gpu, named])
    const names: Readonly<Record<string, string>> = {
      gpu1: 'GPU.1',
      'gpu.1': 'GPU.1',
      cpu: 'CPU',
      auto: 'AUTO',
      'HETERO:GPU.1,CPU': 'HETERO:GPU.1,CPU',
      'hetero:gpu1,cpu': 'HETERO:GPU.1,CPU',
      'batch:gpu.1(4)': 'BATCH:GPU.1(4)',
    }
    expect(Object.keys(names).map(where)).toEqual(Object.values(names))
  })

  test('a pin is an engine, or an engine and a device', () => {
    expect(parsePin('openvino')).toEqual({ engine: 'openvino' })
    expect(parsePin('openvino@BATCH:GPU(8)')).toEqual({ engine: 'openvino', device: 'BATCH:GPU(8)' })
  })
})

test('a model larger than the memory is rejected, and its task has no placement', () => {
  const plan = makePlan({
    ...base,
    models: only('chat', model('c', { gguf: [{ ...file, sizeBytes: 2e9 }] })),
  })
  expect(plan.tasks.chat).toEqual([])
  expect(plan.rejected.find((r) => r.engine === 'llama.cpp')?.reason).toMatch(
    /does not fit: needs 2\.\d GiB of the system's memory/,
  )
})

test('simulated devices make a simulated plan', () => {
  const plan = makePlan({
    ...base,
    devices: [{ ...cpu, simulated: true }],
    models: only('embed', model('e', { onnx: [file] })),
  })
  expect(plan.simulated).toBe(true)
  expect(plan.tasks.embed?.[0]?.simulated).toBe(true)
})

test('what was refused under the name of a pin is refused under every name of the device', () => {
  const devices = [{ ...cpu, engines: { onnxruntime: 'CPU' } }]
  const refused = (device: string) =>
    makePlan({
      ...base,
      devices,
      models: only('embed', model('e', { onnx: [file] })),
      refusals: [{ task: 'embed', model: 'e', engine: 'onnxruntime', device, reason: 'refused: tried' }],
    })
  for (const name of ['CPU', 'cpu']) {
    expect(refused(name).tasks.embed).toEqual([])
    expect(refused(name).rejected).toContainEqual(
      expect.objectContaining({ device: 'cpu', reason: 'refused: tried' }),
    )
  }
})
