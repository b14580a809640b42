import type { HeteroConfig } from '../../config/index.ts'
import { sameDeviceName } from '../../domain/index.ts'

/** A hetero configuration as OpenVINO takes it. */
export interface HeteroPlacement {
  /** `HETERO:GPU.1,CPU`; one device alone by its own name. */
  readonly device: string
  readonly properties: Readonly<Record<string, string>>
  /** Devices that were asked for and are not here. */
  readonly absent: readonly string[]
}

/**
 * Leaves out the devices that are not here.
 * @param known the devices that OpenVINO has here, by its own names
 * @returns undefined when none is left
 */
export function heteroPlacement(config: HeteroConfig, known: readonly string[]): HeteroPlacement | undefined {
  const here = (wanted: string) => known.some((name) => sameDeviceName(name, wanted))
  const devices = [...new Set(config.device_priorities.filter(here))]
  if (devices.length === 0) return undefined
  const hint = config.performance_hint
  // only AUTO spreads requests over all its devices
  const mode = config.mode ?? (hint === 'CUMULATIVE_THROUGHPUT' ? 'AUTO' : 'HETERO')
  return {
    device: `${mode}:${devices.join(',')}`,
    properties: {
      ...(hint === undefined ? {} : { PERFORMANCE_HINT: hint }),
      ...(config.enable_profiling ? { PERF_COUNT: 'YES' } : {}),
    },
    absent: config.device_priorities.filter((device) => !here(device)),
  }
}
