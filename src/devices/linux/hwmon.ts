import { join } from 'node:path'
import { namesIn, numberOf } from './files.ts'

/** A value of a PCI device's sensors; `energy1_input` are microjoules since some start. */
export type HwmonValue = 'energy1_input' | 'power1_average' | 'freq1_input'

/**
 * What the first of a device's sensors that has such a value tells; undefined when none does.
 * @param root where the file system begins
 */
export async function readHwmon(
  root: string,
  pciAddress: string,
  value: HwmonValue,
): Promise<number | undefined> {
  const folder = join(root, 'sys/bus/pci/devices', pciAddress, 'hwmon')
  const sensors = await namesIn(folder)
  const values = await Promise.all(sensors.map((sensor) => numberOf(join(folder, sensor, value))))
  return values.find((number) => number !== undefined)
}
