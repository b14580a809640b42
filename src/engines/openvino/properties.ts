import { join } from 'node:path'
import { cacheKey } from './cache.ts'
import { membersOf } from './device-string.ts'
import type { Core } from './native/core.ts'
import type { OpenVino } from './native/library.ts'
import type { Settings } from './settings.ts'

interface Wanted {
  readonly library: OpenVino
  readonly settings: Settings
  readonly device: string
  readonly threads: number
  /** Its file has int8 activations. */
  readonly quantized: boolean
}

/**
 * Properties of a compilation. Those of the CPU are set on the core: so they also reach a CPU inside a virtual device.
 * @throws NativeError when the CPU refuses them
 */
export function placeProperties(
  core: Core,
  { library, settings, device, threads, quantized }: Wanted,
): Record<string, string> {
  const kinds = membersOf(device).map((member) => member.kind)
  if (kinds.includes('CPU') || device === 'AUTO')
    core.setProperties('CPU', {
      INFERENCE_NUM_THREADS: String(threads),
      // Workers share the cores: two that pin their first thread would pin it to the same one.
      ENABLE_CPU_PINNING: 'NO',
      // What is not int8 is little: to and from bf16, its default where the processor has it, costs more than it saves.
      ...(quantized ? { INFERENCE_PRECISION_HINT: 'f32' } : {}),
    })
  return {
    PERFORMANCE_HINT: 'THROUGHPUT',
    ...(settings.cacheFolder
      ? { CACHE_DIR: join(settings.cacheFolder, cacheKey(core, library.version, kinds)) }
      : {}),
    ...settings.properties,
  }
}
