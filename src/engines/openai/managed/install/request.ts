import type { ListedDevice } from '../report.ts'
import type { Backend, Machine } from './builds.ts'

export interface InstallProgress {
  readonly phase: 'waiting' | 'downloading' | 'verifying' | 'unpacking' | 'trying'
  /** Of the archive. */
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface InstallRequest {
  /** Absolute. */
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** The address of a list of releases, as `https://api.github.com/repos/OWNER/NAME/releases`. */
  readonly releasesUrl: string
  /** Default: by what the machine has. */
  readonly backend?: Backend
  /** A tag, or `latest`; default: what is there, else the newest that has the build. */
  readonly release?: string
  /** Of the archive, where the list does not tell it. */
  readonly sha256?: string
  /** Absolute path of an archive that is here already. */
  readonly archive?: string
  readonly dryRun: boolean
  /** Whether llama.cpp finds a GPU by Vulkan. */
  readonly hasGpu: () => Promise<boolean>
  readonly onProgress: (progress: InstallProgress) => void
  /** What a person should hear while it goes on. */
  readonly say: (message: string) => void
  readonly machine?: Machine
  readonly tuning?: {
    readonly attempts?: number
    readonly backoffMs?: number
    readonly stallMs?: number
    readonly parallel?: number
    readonly rangeBytes?: number
  }
}

/** A build that is there, or would be. */
export interface InstallOutcome {
  /** `planned`: nothing was fetched. */
  readonly state: 'installed' | 'present' | 'planned'
  readonly release: string
  readonly backend: Backend
  /** Absolute. */
  readonly folder: string
  /** Name of the archive; absent where a build was found. */
  readonly archive?: string
  readonly url?: string
  readonly sizeBytes?: number
  readonly sha256?: string
  /** Absolute path of llama-server, and what it says of itself; absent where it is only planned. */
  readonly binary?: string
  readonly version?: string
  /** Without the CPU. */
  readonly devices?: readonly ListedDevice[]
  readonly fetchedBytes: number
  readonly warnings: readonly string[]
}
