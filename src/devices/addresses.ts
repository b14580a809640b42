/** How a device is told apart on a machine: by its place on the PCI bus, or by Windows' LUID. */

export interface PciPlace {
  readonly domain: number
  readonly bus: number
  readonly device: number
  readonly fn: number
}

/** As Linux writes it: `0000:03:00.0` */
export function pciAddress({ domain, bus, device, fn }: PciPlace): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${fn}`
}

/**
 * As Windows writes it in its counters: `0x00000000_0x000128a6`.
 * @param digits hexadecimal, 8 bytes in memory order: two little-endian words, the low one first; all zero where there is none
 */
export function luidOf(digits: string | undefined): string | undefined {
  const plain = digits?.trim().replace(/^0x/i, '')
  if (!plain || !/^[\da-f]{16}$/i.test(plain) || /^0+$/.test(plain)) return undefined
  const bytes = Buffer.from(plain, 'hex')
  const word = (at: number) => `0x${bytes.readUInt32LE(at).toString(16).padStart(8, '0')}`
  return `${word(4)}_${word(0)}`
}

const VENDORS: Readonly<Record<number, string>> = {
  4098: 'amd',
  4130: 'amd', // of processors, and so of NPUs
  4318: 'nvidia',
  32902: 'intel',
  4203: 'apple',
  6091: 'qualcomm',
}

/** @param id PCI vendor */
export function vendorOf(id: number): string | undefined {
  return VENDORS[id]
}
