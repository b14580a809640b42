import { availableParallelism, totalmem } from 'node:os'
import { expect, test } from 'vitest'
import type { EngineDevice } from '../domain/index.ts'
import { discoverDevices } from './index.ts'

const { signal } = new AbortController()

test('the CPU as the system reports it, with the names of its engines', async () => {
  const found: EngineDevice[] = [
    { engine: 'onnxruntime', name: 'cpu', kind: 'cpu', title: 'CPU' },
    { engine: 'openvino', name: 'CPU', kind: 'cpu', title: 'CPU' },
  ]
  const cpu = (await discoverDevices(found, { signal, env: process.env })).find(({ id }) => id === 'cpu')!
  expect(cpu).toMatchObject({
    kind: 'cpu',
    memoryBytes: totalmem(),
    cores: availableParallelism(),
    simulated: false,
    engines: { onnxruntime: 'cpu', openvino: 'CPU' },
  })
  expect(cpu.name).not.toBe('')
  expect(cpu.freeBytes).toBeGreaterThan(0)
  expect(cpu.freeBytes).toBeLessThan(totalmem())
})
