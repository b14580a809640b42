import { expect, test } from 'vitest'
import type { EngineDevice } from '../../../domain/index.ts'
import { allOfVulkan, devicesOf } from './devices.ts'
import type { ListedDevice } from './report.ts'

const own = (index: number, title: string, more: Partial<EngineDevice> = {}): EngineDevice => ({
  engine: 'llama.cpp',
  name: `Vulkan${index}`,
  kind: 'dgpu',
  title,
  memoryBytes: 12e9,
  pciAddress: `0000:0${index}:00.0`,
  env: { GGML_VK_VISIBLE_DEVICES: String(index) },
  ...more,
})
const cpu: EngineDevice = { engine: 'llama.cpp', name: 'cpu', kind: 'cpu', title: 'Core Ultra 7' }
const listed = (name: string, title: string): ListedDevice => ({
  name,
  title,
  memoryBytes: 8e9,
  freeBytes: 7e9,
})
const b580 = 'Intel(R) Arc(TM) B580 Graphics (BMG G21)'
const iGpu = 'Intel(R) Graphics (ARL)'
const pc = [own(0, b580), own(2, iGpu, { kind: 'igpu' }), cpu]

const places = (devices: readonly ListedDevice[], known = pc) =>
  devicesOf(devices, known).map(({ name, kind, pciAddress }) =>
    [name, kind, ...(pciAddress ? [pciAddress] : [])].join(' '),
  )

test('Vulkan is told which to show, and twins are told apart by their order', () => {
  expect(allOfVulkan(pc)).toEqual({ GGML_VK_VISIBLE_DEVICES: '0,2' })
  expect(places([listed('Vulkan0', b580), listed('Vulkan1', iGpu)])).toEqual([
    'Vulkan0 dgpu 0000:00:00.0',
    'Vulkan1 igpu 0000:02:00.0',
    'cpu cpu',
  ])
  const twins = [own(0, b580), own(1, b580), cpu]
  expect(places([listed('Vulkan0', b580), listed('Vulkan1', b580)], twins)).toEqual([
    'Vulkan0 dgpu 0000:00:00.0',
    'Vulkan1 dgpu 0000:01:00.0',
    'cpu cpu',
  ])
  expect(allOfVulkan([cpu])).toEqual({})
})

test('one that is not listed takes no other with it', () => {
  expect(places([listed('Vulkan0', iGpu)])).toEqual(['Vulkan0 igpu 0000:02:00.0', 'cpu cpu'])
})

test('the same device keeps the words that are known of it, without the environment of the other engine', () => {
  const [found] = devicesOf([listed('SYCL0', 'Intel(R) Arc(TM) B580 Graphics')], pc)
  expect(found).toEqual({
    engine: 'openai',
    name: 'SYCL0',
    kind: 'dgpu',
    title: b580,
    memoryBytes: 12e9,
    pciAddress: '0000:00:00.0',
  })
})

test('a build with two backends has each device once, by the first', () => {
  expect(places([listed('SYCL0', b580), listed('Vulkan0', b580)])).toEqual([
    'SYCL0 dgpu 0000:00:00.0',
    'cpu cpu',
  ])
  const rtx = 'NVIDIA GeForce RTX 4090'
  const two = [listed('CUDA0', rtx), listed('CUDA1', rtx), listed('Vulkan0', rtx), listed('Vulkan1', rtx)]
  expect(places(two, [cpu])).toEqual(['CUDA0 dgpu', 'CUDA1 dgpu', 'cpu cpu'])
})

test.each([
  ['SYCL0', 'Intel(R) Arc(TM) A770 Graphics', 'dgpu', 'intel'],
  ['SYCL0', 'Intel(R) UHD Graphics 770', 'igpu', 'intel'],
  ['CUDA0', 'NVIDIA H100 PCIe', 'dgpu', 'nvidia'],
  ['ROCm0', 'AMD Radeon RX 7900 XTX', 'dgpu', 'amd'],
  ['Vulkan0', 'AMD Radeon 890M Graphics (RADV GFX1150)', 'igpu', 'amd'],
  ['MTL0', 'Apple M4', 'igpu', 'apple'],
])('%s %s, seen by no other engine, is a %s', (name, title, kind, vendor) => {
  expect(devicesOf([listed(name, title)], [cpu])[0]).toMatchObject({ kind, vendor, memoryBytes: 8e9 })
})
