import type { Core } from './native/core.ts'

const DRIVER_PROPERTIES = ['NPU_DRIVER_VERSION', 'GPU_DRIVER_VERSION'] as const

/** Folder name for compiled models: another version of OpenVINO or of a driver compiles anew. */
export function cacheKey(core: Core, version: string, kinds: readonly string[]): string {
  const release = /^[\d.]+-\d+/.exec(version)?.[0] ?? version
  const drivers = kinds.flatMap((kind) => driverVersion(core, kind) ?? []).map((text) => `-${text}`)
  return `${release}${[...new Set(drivers)].join('')}`.replace(/[^\w.-]/g, '_')
}

function driverVersion(core: Core, kind: string): string | undefined {
  for (const property of DRIVER_PROPERTIES) {
    if (!property.startsWith(kind)) continue
    try {
      return core.property(kind, property)
    } catch {
      return undefined // an older driver does not tell
    }
  }
  return undefined
}
