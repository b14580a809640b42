const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** A size in the kernel's fdinfo: `23992 KiB`, bytes where no unit stands; 0 for anything else. */
export function fdinfoBytes(text: string): number {
  const [, number = '0', unit = ''] = /^(\d+)\s*([KMG]iB)?$/.exec(text) ?? []
  return Number(number) * UNITS[unit]!
}
