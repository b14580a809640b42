/** Vulkan's devices as devices of llama.cpp. Plain data, loads nothing native. */
import { z } from 'zod'
import { definedOnly, luidOf, pciAddress, vendorOf } from '../../devices/index.ts'
import type { DeviceKind, EngineDevice } from '../../domain/index.ts'
import { llamaCpp } from './descriptor.ts'

const Whole = z.int().nonnegative()
const Bytes = z.number().nonnegative()

const VulkanDevice = z.object({
  /** In `vkEnumeratePhysicalDevices`: what GGML_VK_VISIBLE_DEVICES counts. */
  index: Whole,
  name: z.string(),
  /** `VkPhysicalDeviceType` */
  type: Whole,
  /** PCI vendor. */
  vendorId: Whole,
  /** `VkDriverId` */
  driverId: Whole,
  driver: z.string(),
  /** 16 bytes as hexadecimal digits. */
  uuid: z.string(),
  /** 8 bytes in memory order; absent where it is not valid. */
  luid: z.string().optional(),
  pci: z.object({ domain: Whole, bus: Whole, device: Whole, fn: Whole }).optional(),
  /** Of the heaps that are local to the device. */
  memoryBytes: Bytes,
  /** What this process could still take of them. */
  freeBytes: Bytes.optional(),
})
export type VulkanDevice = z.infer<typeof VulkanDevice>

export const VulkanReport = z.object({
  /** Whether Vulkan is installed at all. */
  loader: z.boolean(),
  devices: z.array(VulkanDevice).max(64),
})
export type VulkanReport = z.infer<typeof VulkanReport>

/** By `VkPhysicalDeviceType`; a virtual GPU is a share of a discrete one, and a CPU computes as its own GPU. */
const KINDS: Readonly<Record<number, DeviceKind>> = { 1: 'igpu', 2: 'dgpu', 3: 'dgpu', 4: 'igpu' }
const CPU_TYPE = 4
/** `VkDriverId` of drivers that stand in for the vendor's: Microsoft's over Direct3D, and Mesa's for NVIDIA. */
const STAND_INS: readonly number[] = [23, 24]

/**
 * The devices that llama.cpp can use, each physical one once.
 * @returns in Vulkan's order, `Vulkan0` by the raw index
 */
export function vulkanDevices(found: readonly VulkanDevice[]): EngineDevice[] {
  const usable = found.filter(({ type }) => KINDS[type] !== undefined)
  return usable
    .filter((device) => !usable.some((other) => isSame(device, other) && goesBefore(other, device)))
    .map(toDevice)
}

/** Two drivers may list one device, and need not agree on all that tells it apart. */
function isSame(a: VulkanDevice, b: VulkanDevice): boolean {
  if (a.index === b.index) return false
  if (a.pci && b.pci) return pciAddress(a.pci) === pciAddress(b.pci)
  const luid = luidOf(a.luid)
  if (luid !== undefined && luidOf(b.luid) !== undefined) return luid === luidOf(b.luid)
  return a.uuid === b.uuid && !/^0*$/.test(a.uuid)
}

function goesBefore(a: VulkanDevice, b: VulkanDevice): boolean {
  const rank = ({ type, driverId }: VulkanDevice) =>
    type === CPU_TYPE ? 2 : STAND_INS.includes(driverId) ? 1 : 0
  return rank(a) === rank(b) ? a.index < b.index : rank(a) < rank(b)
}

function toDevice(device: VulkanDevice): EngineDevice {
  const { index, name, type, vendorId, pci, memoryBytes, freeBytes } = device
  const software = type === CPU_TYPE
  const told = {
    memoryBytes: memoryBytes || undefined,
    freeBytes,
    vendor: software ? undefined : vendorOf(vendorId),
    pciAddress: pci && pciAddress(pci),
    luid: luidOf(device.luid),
    driver: device.driver || undefined,
    software: software || undefined,
  }
  return {
    engine: llamaCpp.id,
    name: `Vulkan${index}`,
    kind: KINDS[type]!,
    title: name,
    env: { GGML_VK_VISIBLE_DEVICES: String(index) },
    ...definedOnly(told),
  }
}
