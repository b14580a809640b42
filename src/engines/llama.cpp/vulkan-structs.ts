/** Structures of the Vulkan specification, on 64 bits, as koffi describes them. Native code: see `vulkan.ts`. */
import koffi from 'koffi'

const header = { sType: 'uint32_t', pNext: 'void *' }
const chars = (length: number) => koffi.array('char', length, 'String')
const bytes = (length: number) => koffi.array('uint8_t', length, 'Array')
const numbers = (length: number) => koffi.array('uint64_t', length, 'Array')

/** Each with its `VkStructureType`. */
export const STRUCTS = {
  application: {
    sType: 0,
    type: koffi.struct({
      ...header,
      name: 'void *',
      version: 'uint32_t',
      engine: 'void *',
      engineVersion: 'uint32_t',
      apiVersion: 'uint32_t',
    }),
  },
  instance: {
    sType: 1,
    type: koffi.struct({
      ...header,
      flags: 'uint32_t',
      application: 'void *',
      layerCount: 'uint32_t',
      layers: 'void *',
      extensionCount: 'uint32_t',
      extensions: 'void *',
    }),
  },
  properties: {
    sType: 1_000_059_001,
    type: koffi.struct({
      ...header,
      apiVersion: 'uint32_t',
      driverVersion: 'uint32_t',
      vendorId: 'uint32_t',
      deviceId: 'uint32_t',
      type: 'uint32_t',
      name: chars(256),
      cacheUuid: bytes(16),
      limits: numbers(63), // 504 bytes that nobody reads here
      sparse: koffi.array('uint32_t', 5),
    }),
  },
  identity: {
    sType: 1_000_071_004,
    type: koffi.struct({
      ...header,
      uuid: bytes(16),
      driverUuid: bytes(16),
      luid: bytes(8),
      nodeMask: 'uint32_t',
      luidValid: 'uint32_t',
    }),
  },
  driver: {
    sType: 1_000_196_000,
    type: koffi.struct({
      ...header,
      id: 'uint32_t',
      name: chars(256),
      info: chars(256),
      conformance: bytes(4),
    }),
  },
  pciBus: {
    sType: 1_000_212_000,
    type: koffi.struct({
      ...header,
      domain: 'uint32_t',
      bus: 'uint32_t',
      device: 'uint32_t',
      fn: 'uint32_t',
    }),
  },
  memory: {
    sType: 1_000_059_006,
    type: koffi.struct({
      ...header,
      typeCount: 'uint32_t',
      types: koffi.array('uint32_t', 64),
      heapCount: 'uint32_t',
      heaps: koffi.array(koffi.struct({ size: 'uint64_t', flags: 'uint32_t' }), 16),
    }),
  },
  budget: {
    sType: 1_000_237_000,
    type: koffi.struct({ ...header, budget: numbers(16), usage: numbers(16) }),
  },
} as const

/** Of the list of extensions; it has no header. */
export const EXTENSION = koffi.struct({ name: chars(256), specVersion: 'uint32_t' })

export interface Properties {
  readonly apiVersion: number
  readonly vendorId: number
  readonly type: number
  readonly name: string
}
export interface Identity {
  readonly uuid: readonly number[]
  readonly luid: readonly number[]
  readonly luidValid: number
}
export interface Driver {
  readonly id: number
  readonly name: string
  readonly info: string
}
export interface PciBus {
  readonly domain: number
  readonly bus: number
  readonly device: number
  readonly fn: number
}
export interface Memory {
  readonly heapCount: number
  readonly heaps: readonly { readonly size: number | bigint; readonly flags: number }[]
}
export interface Budget {
  readonly budget: readonly (number | bigint)[]
  readonly usage: readonly (number | bigint)[]
}
