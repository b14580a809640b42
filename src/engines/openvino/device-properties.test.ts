import { expect, test } from 'vitest'
import { pciAddressOf, readDeviceProperties } from './device-properties.ts'

test('a discrete GPU, as its plugin describes it', () => {
  const read = readDeviceProperties('GPU.1', {
    FULL_DEVICE_NAME: 'Intel(R) Arc(TM) B580 Graphics (dGPU)',
    DEVICE_TYPE: 'discrete',
    DEVICE_ARCHITECTURE: 'GPU: vendor=0x8086 arch=v20.1.0',
    DEVICE_LUID: 'a628010000000000',
    DEVICE_PCI_INFO: '{domain: 0 bus: 3 device: 0x0 function: 0}',
    GPU_DEVICE_TOTAL_MEM_SIZE: '12573868032',
    OPTIMIZATION_CAPABILITIES: 'FP32 BIN FP16 INT8 GPU_HW_MATMUL EXPORT_IMPORT',
  })
  expect(read).toEqual({
    kind: 'dgpu',
    fullName: 'Intel(R) Arc(TM) B580 Graphics (dGPU)',
    type: 'discrete',
    architecture: 'GPU: vendor=0x8086 arch=v20.1.0',
    luid: '0x00000000_0x000128a6',
    pciAddress: '0000:03:00.0',
    memoryBytes: 12_573_868_032,
    capabilities: ['FP32', 'BIN', 'FP16', 'INT8', 'GPU_HW_MATMUL', 'EXPORT_IMPORT'],
  })
})

test('an NPU and a CPU; what they do not tell is absent', () => {
  const npu = {
    FULL_DEVICE_NAME: 'Intel(R) AI Boost',
    DEVICE_ARCHITECTURE: '3720',
    NPU_DRIVER_VERSION: '1688',
  }
  expect(readDeviceProperties('NPU', { ...npu, NPU_DEVICE_TOTAL_MEM_SIZE: '34000000000' })).toEqual({
    kind: 'npu',
    fullName: 'Intel(R) AI Boost',
    architecture: '3720',
    driverVersion: '1688',
    memoryBytes: 34_000_000_000,
  })
  expect(readDeviceProperties('CPU', { DEVICE_TYPE: 'integrated', FULL_DEVICE_NAME: ' ' })).toEqual({
    kind: 'cpu',
    type: 'integrated',
  })
})

test.each([
  ['GPU', { DEVICE_TYPE: 'discrete' }, 'dgpu'],
  ['GPU.0', { DEVICE_TYPE: 'integrated' }, 'igpu'],
  ['GPU.0', { FULL_DEVICE_NAME: 'Intel(R) Arc(TM) B580 Graphics (dGPU)' }, 'dgpu'],
  ['FPGA', {}, 'other'],
])('%s with %o is %s', (name, texts, kind) => {
  expect(readDeviceProperties(name, texts as Record<string, string>).kind).toBe(kind)
})

test.each([
  ['{domain: 0 bus: 10 device: 0x1f function: 6}', '0000:0a:1f.6'],
  ['{domain: 65536 bus: 255 device: 0xB function: 0}', '10000:ff:0b.0'],
  ['{}', undefined],
  [undefined, undefined],
])('PCI %s is %s', (text, expected) => {
  expect(pciAddressOf(text)).toBe(expected)
})
