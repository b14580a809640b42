import type { AcceleratorKind } from './facts.ts'

interface KnownDevice {
  readonly kind: AcceleratorKind
  readonly title: string
  /** The kernel's module for it. */
  readonly module: string
  /** The first kernel whose driver knows it. */
  readonly kernel?: string
  /** How the names of its firmware files begin. */
  readonly firmware?: string
}

const battlemage = {
  kind: 'gpu',
  module: 'xe',
  title: 'Arc B-series GPU (Battlemage)',
  kernel: '6.12',
} as const

/** By PCI device id. Others of Intel are told by their PCI class. */
export const KNOWN_DEVICES: Readonly<Record<string, KnownDevice>> = {
  '7d1d': {
    kind: 'npu',
    module: 'intel_vpu',
    title: 'NPU of Meteor Lake (3720)',
    kernel: '6.5',
    firmware: 'vpu_37xx',
  },
  ad1d: {
    kind: 'npu',
    module: 'intel_vpu',
    title: 'NPU of Arrow Lake (3720)',
    kernel: '6.8',
    firmware: 'vpu_37xx',
  },
  '643e': {
    kind: 'npu',
    module: 'intel_vpu',
    title: 'NPU of Lunar Lake (4000)',
    kernel: '6.8',
    firmware: 'vpu_40xx',
  },
  b03e: {
    kind: 'npu',
    module: 'intel_vpu',
    title: 'NPU of Panther Lake (5010)',
    kernel: '6.13',
    firmware: 'vpu_50xx',
  },
  '7d67': { kind: 'gpu', module: 'i915', title: 'GPU of Arrow Lake-S' },
  e20b: { ...battlemage, title: 'Arc B580' },
  e20c: { ...battlemage, title: 'Arc B570' },
  ...Object.fromEntries(
    ['e202', 'e209', 'e20d', 'e210', 'e211', 'e212', 'e216'].map((id) => [id, battlemage]),
  ),
}

export function titleOf(kind: AcceleratorKind, id: string): string {
  return KNOWN_DEVICES[id]?.title ?? `Intel ${kind.toUpperCase()} (8086:${id})`
}
