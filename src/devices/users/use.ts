/** What a process has open of a GPU or NPU. */
export interface DeviceUse {
  readonly pid: number
  /** Where the device is on the bus, or on Windows its LUID. */
  readonly pciAddress?: string
  readonly luid?: string
  /** Of the device's memory, or of the system's that it uses; 0 where the driver does not tell. */
  readonly memoryBytes: number
  /** The driver tells no memory of processes: that the device is open is all that is known. */
  readonly untold?: boolean
}

/** The process that listens on a port, and those that it started. */
export interface PortUsers {
  readonly pid: number
  /** What they use, most memory first; drivers are asked by many who compute elsewhere, so little memory is no use. */
  readonly uses: readonly DeviceUse[]
}

/** Who only lists the devices of a machine holds less. */
const LEAST_BYTES = 8 * 1024 * 1024

export function sortedUses(uses: readonly DeviceUse[]): DeviceUse[] {
  return uses
    .filter(({ memoryBytes, untold }) => untold || memoryBytes >= LEAST_BYTES)
    .sort((a, b) => b.memoryBytes - a.memoryBytes)
}
