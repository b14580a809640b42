import { availableParallelism, totalmem } from 'node:os'
import { expect, test } from 'vitest'
import { discoverDevices } from './index.ts'

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
