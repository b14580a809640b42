import { titleOf } from './intel/known.ts'

const VENDOR_TITLES: Readonly<Record<string, string>> = {
  amd: 'AMD',
  nvidia: 'NVIDIA',
  intel: 'Intel',
  qualcomm: 'Qualcomm',
  apple: 'Apple',
}

/** What a device is, where no driver tells: `NVIDIA GPU (2684)`. */
export function titleOfDevice(family: 'gpu' | 'npu', vendor: string, pciId: string): string {
  if (vendor === 'intel') return titleOf(family, pciId)
  return `${VENDOR_TITLES[vendor] ?? vendor} ${family.toUpperCase()} (${pciId})`
}
