/** What the Vulkan loader tells of its devices. Native code: loaded by `probe.ts` only, in a process of its own. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import koffi, { type LibraryHandle, type TypeObject } from 'koffi'
import type { VulkanDevice, VulkanReport } from './vulkan-devices.ts'
import {
  type Budget,
  type Driver,
  EXTENSION,
  type Identity,
  type Memory,
  type PciBus,
  type Properties,
  STRUCTS,
} from './vulkan-structs.ts'

const LINUX_LOADER = 'libvulkan.so.1'

/** 1.2 as Vulkan packs it: llama.cpp refuses older loaders and devices. */
const NEEDED = (1 << 22) | (2 << 12)
const MAX_DEVICES = 64
const MAX_EXTENSIONS = 2048
const DEVICE_LOCAL = 1
/** `VK_INCOMPLETE`: more than there is room for. */
const INCOMPLETE = 5
/** `VK_ERROR_INCOMPATIBLE_DRIVER`: the loader is here, and no driver. */
const NO_DRIVER = -9

type Address = bigint
type Native = (...args: unknown[]) => unknown

/** Opens the loader and asks every device. @throws Error when a loader that is installed does not work */
export function readVulkan(): VulkanReport {
  const library = open()
  if (!library) return { loader: false, devices: [] }
  const api = functionsOf(library)
  const application = make('application', { apiVersion: NEEDED })
  const out = pointer()
  const result = Number(api.create(make('instance', { application }), null, out))
  if (result === NO_DRIVER) return { loader: true, devices: [] }
  if (result !== 0) throw new Error(`vkCreateInstance failed with ${result}`)
  const instance = koffi.decode(out, 'void *') as Address
  try {
    return {
      loader: true,
      devices: handlesOf(api, instance).flatMap((handle, index) => readDevice(api, handle, index) ?? []),
    }
  } finally {
    api.destroy(instance, null)
  }
}

type Api = ReturnType<typeof functionsOf>

function functionsOf(library: LibraryHandle) {
  const fn = (name: string, result: string, parameters: number): Native =>
    library.func(name, result, Array<string>(parameters).fill('void *'))
  return {
    create: fn('vkCreateInstance', 'int', 3),
    destroy: fn('vkDestroyInstance', 'void', 2),
    devices: fn('vkEnumeratePhysicalDevices', 'int', 3),
    extensions: fn('vkEnumerateDeviceExtensionProperties', 'int', 4),
    properties: fn('vkGetPhysicalDeviceProperties2', 'void', 2),
    memory: fn('vkGetPhysicalDeviceMemoryProperties2', 'void', 2),
  }
}

/** No loader is no error; one that does not load is. */
function open(): LibraryHandle | undefined {
  if (process.platform === 'win32') {
    const file = join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'vulkan-1.dll')
    return existsSync(file) ? koffi.load(file) : undefined // messages are in the system's language
  }
  if (process.platform !== 'linux') return undefined
  try {
    return koffi.load(LINUX_LOADER)
  } catch (error) {
    const text = String(error)
    if (text.includes(LINUX_LOADER) && /no such file/i.test(text)) return undefined
    throw error
  }
}

function pointer(): Address {
  return koffi.alloc('void *', 1) as Address
}

/** A structure in native memory; this process ends soon, so nothing is freed. */
function make(name: keyof typeof STRUCTS, fields: Readonly<Record<string, unknown>> = {}): Address {
  const { sType, type } = STRUCTS[name]
  const address = koffi.alloc(type, 1) as Address
  koffi.encode(address, koffi.array('uint8_t', koffi.sizeof(type)), new Uint8Array(koffi.sizeof(type)))
  koffi.encode(address, 'uint32_t', sType)
  for (const [field, value] of Object.entries(fields))
    koffi.encode(
      address,
      koffi.offsetof(type, field),
      typeof value === 'number' ? 'uint32_t' : 'void *',
      value,
    )
  return address
}

function read<T>(name: keyof typeof STRUCTS, address: Address): T {
  return koffi.decode(address, STRUCTS[name].type) as T
}

/** Calls a function that fills a list of at most `most` items. @throws Error with the function's result */
function filled<T>(
  call: (count: Address, items: Address) => unknown,
  type: string | TypeObject,
  most: number,
): readonly T[] {
  const count = koffi.alloc('uint32_t', 1) as Address
  koffi.encode(count, 'uint32_t', most)
  const items = koffi.alloc(type, most) as Address
  const result = Number(call(count, items))
  if (result !== 0 && result !== INCOMPLETE) throw new Error(`Vulkan's list failed with ${result}`)
  const length = koffi.decode(count, 'uint32_t') as number
  return length === 0 ? [] : (koffi.decode(items, koffi.array(type, length)) as T[])
}

function handlesOf(api: Api, instance: Address): readonly Address[] {
  return filled((count, items) => api.devices(instance, count, items), 'void *', MAX_DEVICES)
}

/** @param index as llama.cpp counts: of the whole list, whatever it leaves out */
function readDevice(api: Api, handle: Address, index: number): VulkanDevice | undefined {
  const extensions = filled<{ name: string }>(
    (count, items) => api.extensions(handle, null, count, items),
    EXTENSION,
    MAX_EXTENSIONS,
  ).map(({ name }) => name)
  const has = (name: string) => extensions.includes(name)

  const pciAddress = has('VK_EXT_pci_bus_info') ? make('pciBus') : null
  const driverAddress = make('driver', { pNext: pciAddress })
  const identityAddress = make('identity', { pNext: driverAddress })
  const propertiesAddress = make('properties', { pNext: identityAddress })
  api.properties(handle, propertiesAddress)
  const properties = read<Properties>('properties', propertiesAddress)
  if (properties.apiVersion < NEEDED) return undefined // the structures above are 1.2's
  const driver = read<Driver>('driver', driverAddress)
  const identity = read<Identity>('identity', identityAddress)

  const budgetAddress = has('VK_EXT_memory_budget') ? make('budget') : null
  const memoryAddress = make('memory', { pNext: budgetAddress })
  api.memory(handle, memoryAddress)
  const memory = read<Memory>('memory', memoryAddress)
  const heaps = memory.heaps
    .slice(0, memory.heapCount)
    .flatMap(({ size, flags }, at) => (flags & DEVICE_LOCAL ? [{ at, bytes: Number(size) }] : []))
  const budget = budgetAddress === null ? undefined : read<Budget>('budget', budgetAddress)

  return {
    index,
    name: properties.name,
    type: properties.type,
    vendorId: properties.vendorId,
    driverId: driver.id,
    driver: `${driver.name} ${driver.info}`.trim(),
    uuid: hex(identity.uuid),
    ...(identity.luidValid ? { luid: hex(identity.luid) } : {}),
    ...(pciAddress === null ? {} : { pci: placeOf(read<PciBus>('pciBus', pciAddress)) }),
    memoryBytes: heaps.reduce((sum, heap) => sum + heap.bytes, 0),
    ...(budget
      ? {
          freeBytes: heaps.reduce(
            (sum, { at }) => sum + Math.max(0, Number(budget.budget[at]) - Number(budget.usage[at])),
            0,
          ),
        }
      : {}),
  }
}

function hex(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('hex')
}

function placeOf({ domain, bus, device, fn }: PciBus): PciBus {
  return { domain, bus, device, fn }
}
