/** What a load leaves free of a memory, in bytes. */
import type { Device } from '../../domain/index.ts'

const MIB = 1024 ** 2

/** Of a device's memory: drivers and screens take it by and by (an estimate). */
export function deviceMargin(bytes: number): number {
  return Math.max(192 * MIB, 0.03 * bytes)
}

/** Of the system's memory: other programs grow (an estimate). */
export function hostMargin(bytes: number): number {
  return Math.max(256 * MIB, 0.04 * bytes)
}

/** Of the memory that a placement on the device takes. */
export function marginOn({ kind }: Pick<Device, 'kind'>, bytes: number): number {
  return kind === 'cpu' ? hostMargin(bytes) : deviceMargin(bytes)
}
