import { expect, test } from 'vitest'
import type { Device, EngineDescriptor, Model } from '../domain/index.ts'
import { makePlan } from './planner.ts'

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
const base = { policy: 'development', devices: [cpu], engines: [onnxruntime, llamaCpp] } as const

test('a task goes to the engine that reads its model; the other is rejected with the reason', () => {
  const plan = makePlan({ ...base, models: { embed: model('e', { onnx: [file] }) } })
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

test('a second engine that reads the model is the fallback', () => {
  const plan = makePlan({ ...base, models: { embed: model('e', { onnx: [file], gguf: [file] }) } })
  expect(plan.tasks.embed?.map((p) => [p.engine, p.role])).toEqual([
    ['onnxruntime', 'primary'],
    ['llama.cpp', 'fallback'],
  ])
})

test('a model larger than the memory is rejected, and its task has no placement', () => {
  const plan = makePlan({ ...base, models: { chat: model('c', { gguf: [{ ...file, sizeBytes: 2e9 }] }) } })
  expect(plan.tasks.chat).toEqual([])
  expect(plan.rejected.find((r) => r.engine === 'llama.cpp')?.reason).toMatch(
    /does not fit: 2000000000 bytes/,
  )
})

test('simulated devices make a simulated plan', () => {
  const plan = makePlan({
    ...base,
    devices: [{ ...cpu, simulated: true }],
    models: { embed: model('e', { onnx: [file] }) },
  })
  expect(plan.simulated).toBe(true)
  expect(plan.tasks.embed?.[0]?.simulated).toBe(true)
})
