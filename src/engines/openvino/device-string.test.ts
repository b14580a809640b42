import { expect, test } from 'vitest'
import { isCpuOnly, membersOf } from './device-string.ts'

test.each([
  ['CPU', ['CPU'], true],
  ['GPU.1', ['GPU.1'], false],
  ['HETERO:GPU.1,NPU,CPU', ['GPU.1', 'NPU', 'CPU'], false],
  ['BATCH:GPU(16)', ['GPU'], false],
  ['AUTO:CPU', ['CPU'], true],
  ['AUTO', [], false],
])('%s', (device, names, cpuOnly) => {
  expect(membersOf(device).map((member) => member.name)).toEqual(names)
  expect(isCpuOnly(device)).toBe(cpuOnly)
})
