import type { Core } from './native/core.ts'
import { shortMessage } from './native/errors.ts'
import type { OpenVino } from './native/library.ts'

/** A device with every property that its plugin tells, as strings. */
export interface FoundDevice {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
}

/** What one installation sees on this machine. Plain data: `probe.ts` prints it. */
export interface ProbeReport {
  /** Absent when the library cannot be used. */
  readonly version?: string
  readonly devices: readonly FoundDevice[]
  /** Plugins that load; a kind of device that is here and not among `devices` has no device or no driver. */
  readonly plugins: readonly { readonly device: string; readonly version: string }[]
  readonly problems: readonly { readonly device?: string; readonly message: string }[]
}

/** Asked for whether or not the plugin lists them. */
const WANTED = [
  'FULL_DEVICE_NAME',
  'DEVICE_TYPE',
  'DEVICE_ARCHITECTURE',
  'DEVICE_LUID',
  'DEVICE_PCI_INFO',
  'DEVICE_UUID',
  'GPU_DEVICE_TOTAL_MEM_SIZE',
  'GPU_DRIVER_VERSION',
  'NPU_DRIVER_VERSION',
  'NPU_DEVICE_TOTAL_MEM_SIZE',
  'OPTIMIZATION_CAPABILITIES',
]
const PLUGINS = ['CPU', 'GPU', 'NPU', 'HETERO', 'AUTO', 'BATCH']

/** Asks every plugin once. */
export function probeDevices(library: OpenVino, core: Core): ProbeReport {
  const plugins: { device: string; version: string }[] = []
  const problems: { device: string; message: string }[] = []
  for (const device of PLUGINS) {
    try {
      plugins.push({ device, version: core.pluginVersion(device) })
    } catch (error) {
      problems.push({ device, message: shortMessage(error instanceof Error ? error.message : String(error)) })
    }
  }
  const devices = core.devices().map((name) => ({ name, properties: propertiesOf(core, name) }))
  return { version: library.version, devices, plugins, problems }
}

function propertiesOf(core: Core, device: string): Record<string, string> {
  const listed = tryProperty(core, device, 'SUPPORTED_PROPERTIES')?.split(/[\s,]+/) ?? []
  const properties: Record<string, string> = {}
  for (const key of new Set([...WANTED, ...listed])) {
    const value = key === '' || key === 'SUPPORTED_PROPERTIES' ? undefined : tryProperty(core, device, key)
    if (value !== undefined) properties[key] = value
  }
  return properties
}

/** A property that a device does not know is an error with a long message. */
function tryProperty(core: Core, device: string, key: string): string | undefined {
  try {
    return core.property(device, key)
  } catch {
    return undefined
  }
}
