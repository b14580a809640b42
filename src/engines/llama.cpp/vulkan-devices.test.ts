import { expect, test } from 'vitest'
import { type VulkanDevice, VulkanReport, vulkanDevices } from './vulkan-devices.ts'

const B580: VulkanDevice = {
  index: 1,
  name: 'Intel(R) Arc(tm) B580 Graphics (BMG G21)',
  type: 2,
  vendorId: 0x8086,
  driverId: 6,
  driver: 'Intel open-source Mesa driver Mesa 25.0.7',
  uuid: '8680 0be2 0000 0000 0300 0000 0000 0000'.replaceAll(' ', ''),
  pci: { domain: 0, bus: 3, device: 0, fn: 0 },
  memoryBytes: 12_573_868_032,
  freeBytes: 11_000_000_000,
}
const IGPU: VulkanDevice = {
  ...B580,
  index: 0,
  name: 'Intel(R) Graphics (ARL)',
  type: 1,
  uuid: '86807d67000000000002000000000000',
  pci: { domain: 0, bus: 0, device: 2, fn: 0 },
}
const without = <K extends keyof VulkanDevice>(device: VulkanDevice, key: K): Omit<VulkanDevice, K> => {
  const { [key]: _, ...rest } = device
  return rest
}

test('a discrete and an integrated GPU, by the raw index and with the variable that chooses them', () => {
  const [igpu, dgpu] = vulkanDevices([IGPU, B580])
  expect(igpu).toMatchObject({ name: 'Vulkan0', kind: 'igpu', pciAddress: '0000:00:02.0' })
  expect(dgpu).toEqual({
    engine: 'llama.cpp',
    name: 'Vulkan1',
    kind: 'dgpu',
    title: 'Intel(R) Arc(tm) B580 Graphics (BMG G21)',
    env: { GGML_VK_VISIBLE_DEVICES: '1' },
    memoryBytes: 12_573_868_032,
    freeBytes: 11_000_000_000,
    vendor: 'intel',
    pciAddress: '0000:03:00.0',
    driver: 'Intel open-source Mesa driver Mesa 25.0.7',
  })
})

test('a renderer in software is said to be one, and an unknown type is left out', () => {
  const cpu = {
    ...without(IGPU, 'pci'),
    type: 4,
    name: 'llvmpipe (LLVM 15.0.6, 256 bits)',
    vendorId: 0x10005,
  }
  expect(vulkanDevices([cpu])).toMatchObject([
    { name: 'Vulkan0', kind: 'igpu', software: true, title: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
  ])
  expect(vulkanDevices([cpu])[0]).not.toHaveProperty('vendor')
  expect(vulkanDevices([{ ...cpu, type: 0 }])).toEqual([])
})

test.each([
  ['the same address', { pci: { ...B580.pci!, bus: 9 } }, { pci: { ...B580.pci!, bus: 9 } }],
  ['the same LUID', { pci: undefined, luid: 'a628010000000000' }, { luid: 'a628010000000000' }],
  ['the same UUID', { pci: undefined }, { luid: 'a628010000000000' }],
])('two drivers of one device by %s: the vendor keeps it', (_by, a, b) => {
  const vendor = VulkanReport.shape.devices.parse([{ ...B580, index: 2, driverId: 4, ...a }])[0]!
  const standIn = VulkanReport.shape.devices.parse([{ ...B580, index: 0, driverId: 24, ...b }])[0]!
  expect(vulkanDevices([standIn, vendor]).map(({ name }) => name)).toEqual(['Vulkan2'])
})

test('two of a kind are two', () => {
  const second = { ...B580, index: 0, pci: { ...B580.pci!, bus: 4 } } // the same UUID, another address
  expect(vulkanDevices([second, B580])).toHaveLength(2)
  const nameless = { ...without(B580, 'pci'), uuid: '0'.repeat(32) }
  expect(vulkanDevices([nameless, { ...nameless, index: 0 }])).toHaveLength(2)
})
