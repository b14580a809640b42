/** What this machine tells about Intel's GPUs and NPU, as plain data; read by `linux.ts` and `windows.ts`. */

export type AcceleratorKind = 'gpu' | 'npu'

/** A file by which programs reach a device: `/dev/accel/accel0`. */
export interface DeviceNode {
  readonly path: string
  /** Whether this user may read and write it. */
  readonly usable: boolean
  /** Its group, by name or number. */
  readonly group: string
}

export interface LinuxAccelerator {
  readonly kind: AcceleratorKind
  /** `0000:00:0b.0` */
  readonly address: string
  /** PCI device id in lower case, `ad1d`. */
  readonly id: string
  /** The kernel's driver; absent when none has the device. */
  readonly driver?: string
  readonly nodes: readonly DeviceNode[]
}

export interface LinuxFacts {
  readonly platform: 'linux'
  /** `6.8.0-45-generic` */
  readonly kernel: string
  readonly accelerators: readonly LinuxAccelerator[]
  /** Names of firmware files for the NPU that is here; of every NPU when it is not known. */
  readonly npuFirmware: readonly string[]
  /** As the file says it; absent when it is packed. */
  readonly npuFirmwareVersion?: string
  /** Which of `LIBRARIES` are here. */
  readonly libraries: readonly LibraryName[]
  /** Whether OpenCL knows Intel's GPU driver. */
  readonly openClIcd: boolean
}

/** Libraries of the drivers, by the beginning of the file's name. */
export const LIBRARIES = {
  levelZero: ['libze_loader.so.1'],
  /** It was called vpu until level-zero 1.17.17. */
  npuDriver: ['libze_intel_npu.so.1', 'libze_intel_vpu.so.1'],
  npuCompiler: ['libnpu_driver_compiler.so'],
  gpuDriver: ['libze_intel_gpu.so.1'],
  openCl: ['libOpenCL.so.1'],
} as const
export type LibraryName = keyof typeof LIBRARIES

export interface WindowsAccelerator {
  readonly kind: AcceleratorKind
  /** PCI device id in lower case. */
  readonly id: string
  readonly name: string
  /** The device manager's code; 0 is fine, 28 is no driver. */
  readonly problem: number
  readonly driverVersion?: string
}

export interface WindowsFacts {
  readonly platform: 'win32'
  readonly accelerators: readonly WindowsAccelerator[]
}

/** A system that nothing is known about, or that did not answer. */
export interface UnknownFacts {
  readonly platform: 'unknown'
  readonly why: string
}

export type IntelFacts = LinuxFacts | WindowsFacts | UnknownFacts
