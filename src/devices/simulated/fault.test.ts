import { expect, test } from 'vitest'
import { parseFault, parseFaults, simulatedMachine } from './index.ts'

test.each([
  ['crash:20', { kind: 'crash', after: 20 }],
  ['hang', { kind: 'hang', after: 0 }],
  ['lost:0', { kind: 'lost', after: 0 }],
  ['slow:2.5', { kind: 'slow', factor: 2.5 }],
  ['memory', { kind: 'memory' }],
  ['vectors', { kind: 'vectors' }],
  ['slow', undefined],
  ['slow:0.5', undefined],
  ['crash:1.5', undefined],
  ['memory:1', undefined],
  ['burn', undefined],
  ['', undefined],
])('%j is read as %j', (text, fault) => {
  expect(parseFault(text)).toEqual(fault)
})

test('an unknown device or fault is refused with what is allowed', () => {
  const machine = simulatedMachine('core-ultra-265k')
  expect([...parseFaults(machine, { npu0: 'slow:2' })]).toEqual([['npu0', { kind: 'slow', factor: 2 }]])
  expect(() => parseFaults(machine, { npu1: 'hang' })).toThrow(
    'simulate.faults.npu1: core-ultra-265k has no device "npu1"; it has npu0, gpu0, cpu',
  )
  expect(() => parseFaults(machine, { npu0: 'burn' })).toThrow(/npu0: "burn" does not fit; allowed: crash:N/)
})
