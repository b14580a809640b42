import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readHwmon } from '../../devices/index.ts'
import type { Device } from '../../domain/index.ts'

/** Microjoules that a device has taken since some moment; undefined where it does not tell. */
export type EnergyCounter = () => Promise<number | undefined>

/**
 * The energy counter of a device: the CPU's package (RAPL; often root's alone), or a GPU's hwmon. Linux.
 * @param root where the file system begins
 */
export async function energyCounter(device: Device, root = '/'): Promise<EnergyCounter | undefined> {
  const read = device.kind === 'cpu' ? await packages(root) : hwmon(root, device.pciAddress)
  return (await read()) === undefined ? undefined : read
}

/** All packages together. A zone of the first level may be `psys` too: the whole platform, the packages in it. */
async function packages(root: string): Promise<EnergyCounter> {
  const folder = join(root, 'sys/class/powercap')
  const zones = (await readdir(folder).catch(() => [])).filter((name) => /^intel-rapl:\d+$/.test(name))
  const names = await Promise.all(
    zones.map((zone) => readFile(join(folder, zone, 'name'), 'utf8').catch(() => '')),
  )
  const files = zones
    .filter((_, at) => names[at]!.startsWith('package'))
    .map((zone) => join(folder, zone, 'energy_uj'))
  return async () => {
    const values = await Promise.all(files.map(readCount))
    return values.length > 0 && values.every((value) => value !== undefined)
      ? values.reduce((sum, value) => sum! + value!, 0)
      : undefined
  }
}

function hwmon(root: string, pciAddress: string | undefined): EnergyCounter {
  return async () => (pciAddress === undefined ? undefined : readHwmon(root, pciAddress, 'energy1_input'))
}

async function readCount(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return /^\d+\s*$/.test(text) ? Number(text) : undefined
}

export interface EnergySample {
  readonly ms: number
  readonly microjoules: number
}

/**
 * Watts between two looks; undefined when the counter began anew between them. Pure.
 */
export function wattsBetween(before: EnergySample, after: EnergySample): number | undefined {
  const microjoules = after.microjoules - before.microjoules
  const ms = after.ms - before.ms
  return microjoules < 0 || ms <= 0 ? undefined : microjoules / 1000 / ms
}
