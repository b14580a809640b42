/** What the operating system tells of this machine's processors, whoever can use them. */
import { cpus } from 'node:os'
import { readLinuxCores } from './linux/cores.ts'
import { readLinuxDevices } from './linux/devices.ts'
import { readWindowsDevices } from './windows/devices.ts'
import { within } from './within.ts'

/** A GPU or NPU. */
export interface SystemDevice {
  readonly family: 'gpu' | 'npu'
  /** What it is, for a person, as far as the system knows it. */
  readonly title: string
  readonly vendor: string
  /** Of its maker, in lower case hexadecimal: `e20b`. */
  readonly pciId: string
  readonly pciAddress?: string
  /** With version; absent when none has the device. */
  readonly driver?: string
  readonly memoryBytes?: number
  readonly freeBytes?: number
}

/** Logical processors of each class. */
export interface CoreClasses {
  readonly performance: number
  readonly efficiency: number
}

export interface SystemFacts {
  readonly devices: readonly SystemDevice[]
  /** Absent where all are alike, or the system does not tell. */
  readonly cores?: CoreClasses
}

export interface SystemOptions {
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  /** Where the file system begins; another one in tests. */
  readonly root?: string
}

/** Of each source; they are asked at once. A shell of Windows alone takes seconds to start on a busy machine. */
const LIMIT_MS = 15_000

/** Asks every source of this system. A source that fails or is slow tells nothing. */
export async function readSystem({ signal, env, root = '/' }: SystemOptions): Promise<SystemFacts> {
  if (process.platform === 'linux') {
    const [devices, cores] = await Promise.all([
      within(LIMIT_MS, readLinuxDevices(root), []),
      within(LIMIT_MS, readLinuxCores(root, cpus().length), undefined),
    ])
    return { devices, ...(cores ? { cores } : {}) }
  }
  if (process.platform === 'win32')
    return { devices: await within(LIMIT_MS, readWindowsDevices(signal, env, LIMIT_MS), []) }
  return { devices: [] }
}
