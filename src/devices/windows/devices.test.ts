import { expect, test } from 'vitest'
import { parseAdapters } from './adapters.ts'
import { toSystemDevice } from './devices.ts'

const row = (id: string, more: object = {}) => ({
  Name: 'a device',
  Class: 'Display',
  Id: `PCI\\VEN_${id.slice(0, 4)}&DEV_${id.slice(5)}&SUBSYS_00000000&REV_00\\3&11583659&0&58`,
  Problem: 0,
  Driver: '32.0.101.6299',
  Location: null,
  ...more,
})

test('adapters of every maker, by what the registry tells of them', () => {
  const printed = [
    row('8086:E20B', {
      Name: 'Intel(R) Arc(TM) B580 Graphics',
      Location: '@System32\\drivers\\pci.sys,#65536;PCI-Bus %1, Gerät %2, Funktion %3;(3,0,0)',
    }),
    row('10DE:2684', { Name: 'NVIDIA GeForce RTX 4090', Driver: '32.0.15.5599' }),
    row('8086:AD1D', { Class: null, Problem: 28, Driver: null, Name: 'Multimedia Controller' }),
    row('1022:17F0', { Class: 'ComputeAccelerator', Name: 'NPU Compute Accelerator Device' }),
    row('8086:7F04', { Class: 'System', Problem: 10 }),
    row('1414:008E', { Name: 'Microsoft Remote Display Adapter' }),
  ]
  expect(parseAdapters(JSON.stringify(printed)).flatMap(toSystemDevice)).toEqual([
    {
      family: 'gpu',
      title: 'Intel(R) Arc(TM) B580 Graphics',
      vendor: 'intel',
      pciId: 'e20b',
      pciAddress: '0000:03:00.0',
      driver: '32.0.101.6299',
    },
    {
      family: 'gpu',
      title: 'NVIDIA GeForce RTX 4090',
      vendor: 'nvidia',
      pciId: '2684',
      driver: '32.0.15.5599',
    },
    { family: 'npu', title: 'NPU of Arrow Lake (3720)', vendor: 'intel', pciId: 'ad1d' },
    {
      family: 'npu',
      title: 'NPU Compute Accelerator Device',
      vendor: 'amd',
      pciId: '17f0',
      driver: '32.0.101.6299',
    },
  ])
})

test('no device at all', () => {
  expect(parseAdapters('[]')).toEqual([])
})

test.each(['', 'Get-CimInstance : Access denied', '{"Name": 1}', '[{"Id": 5}]'])(
  '%j is said, not trusted',
  (printed) => {
    expect(() => parseAdapters(printed)).toThrow(/^PowerShell answered /)
  },
)
