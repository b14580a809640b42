import { expect, test } from 'vitest'
import { luidOf, pciAddress, vendorOf } from './addresses.ts'

test('a place on the PCI bus, as Linux writes it', () => {
  expect(pciAddress({ domain: 0, bus: 3, device: 0, fn: 0 })).toBe('0000:03:00.0')
  expect(pciAddress({ domain: 65536, bus: 255, device: 31, fn: 7 })).toBe('10000:ff:1f.7')
})

test('vendors by their PCI number', () => {
  expect([0x8086, 0x1002, 0x1022, 0x10de, 1].map(vendorOf)).toEqual([
    'intel',
    'amd',
    'amd',
    'nvidia',
    undefined,
  ])
})

test.each([
  ['a62801000100000f', '0x0f000001_0x000128a6'],
  ['0000000000000000', undefined], // Linux
  ['a628', undefined],
  ['', undefined],
])('LUID %s is %s', (text, expected) => {
  expect(luidOf(text)).toBe(expected)
})
