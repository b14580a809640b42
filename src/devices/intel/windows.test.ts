import { expect, test } from 'vitest'
import { parseAdapters } from '../windows/adapters.ts'
import { windowsFacts } from './windows.ts'

const row = (id: string, more: object = {}) => ({
  Name: 'a device',
  Class: 'System',
  Id: `PCI\\VEN_8086&DEV_${id}&SUBSYS_00000000&REV_00\\3&11583659&0&58`,
  Problem: 0,
  Driver: '10.1.1.1',
  ...more,
})

test('GPUs and the NPU by id or class, everything else left out', () => {
  const printed = [
    row('7F04'),
    row('7D67', { Class: 'Display', Name: 'Intel(R) Graphics', Driver: '32.0.101.6129' }),
    row('E20B', { Class: 'Display', Name: 'Microsoft Basic Display Adapter', Driver: '10.0.26100.1' }),
    row('AD1D', { Class: null, Name: 'Multimedia Controller', Problem: 28, Driver: null }),
    row('FFFF', { Class: 'ComputeAccelerator', Name: 'Intel(R) AI Boost', Driver: '32.0.100.4023' }),
  ]
  expect(windowsFacts(parseAdapters(JSON.stringify(printed)))).toEqual({
    platform: 'win32',
    accelerators: [
      { kind: 'gpu', id: '7d67', name: 'Intel(R) Graphics', problem: 0, driverVersion: '32.0.101.6129' },
      {
        kind: 'gpu',
        id: 'e20b',
        name: 'Microsoft Basic Display Adapter',
        problem: 0,
        driverVersion: '10.0.26100.1',
      },
      { kind: 'npu', id: 'ad1d', name: 'Multimedia Controller', problem: 28 },
      { kind: 'npu', id: 'ffff', name: 'Intel(R) AI Boost', problem: 0, driverVersion: '32.0.100.4023' },
    ],
  })
})

test('another maker is none of Intel', () => {
  const nvidia = {
    ...row('2684', { Class: 'Display' }),
    Id: 'PCI\\VEN_10DE&DEV_2684&SUBSYS_0&REV_A1\\4&0&0008',
  }
  expect(windowsFacts(parseAdapters(JSON.stringify([nvidia]))).accelerators).toEqual([])
})
