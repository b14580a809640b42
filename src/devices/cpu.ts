import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import type { Device } from '../domain/index.ts'
import { definedOnly } from './defined-only.ts'
import type { CoreClasses } from './system.ts'

const VENDORS = { intel: /intel/i, amd: /\bamd\b/i, apple: /apple/i, qualcomm: /qualcomm|snapdragon/i }

/**
 * The processor itself, from `os`: every machine has it and needs no driver. Engines add their names.
 * @param classes counted over the whole machine
 */
export function discoverCpu(classes?: CoreClasses): Device {
  const [processor] = cpus()
  const name = processor?.model.trim().replace(/\s+/g, ' ') || 'CPU'
  const cores = availableParallelism()
  const believed = classes && classes.performance + classes.efficiency === cores ? classes : undefined
  return {
    id: 'cpu',
    kind: 'cpu',
    name,
    memoryBytes: totalmem(),
    engines: {},
    simulated: false,
    cores,
    freeBytes: freemem(),
    ...definedOnly({
      vendor: Object.entries(VENDORS).find(([, pattern]) => pattern.test(name))?.[0],
      performanceCores: believed?.performance,
      efficiencyCores: believed?.efficiency,
    }),
  }
}
