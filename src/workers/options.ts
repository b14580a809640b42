import type { EmbedOutput, Placement } from '../domain/index.ts'
import type { LoadSpec } from '../engines/contract.ts'
import type { WorkerLimits } from './limits.ts'
import type { StandbyPool } from './standby.ts'

/** How a worker is started, in all its lives. */
export interface WorkerOptions {
  readonly placement: Placement
  readonly spec: LoadSpec
  /** Nothing else serves the task: never quarantined, its restart waits 2 s at most. */
  readonly lastPlacement?: boolean
  /**
   * Absent: in a process of its own. An engine that only asks a server, which has its own process, needs none: `thread`, a thread of
   * this process; `here`, this process itself, where it does nothing but pass on what comes.
   */
  readonly runsIn?: 'thread' | 'here'
  /** Added to the environment, e.g. `GGML_VK_VISIBLE_DEVICES`. */
  readonly env?: Readonly<Record<string, string>>
  /** Its process gives way to the user's own programs. */
  readonly background?: boolean
  /** It begins unloaded: `wake` loads it. */
  readonly resting?: boolean
  /** Absolute path of a JavaScript module that exports `engine`; absent: the engine's own. */
  readonly modulePath?: string
  /** Looks at what the loaded model answers before anybody else may ask; a rejection with VECTOR_MISMATCH is for good. */
  readonly admit?: (embed: (texts: readonly string[]) => Promise<EmbedOutput>) => Promise<void>
  /** Hears what the process prints: progress of a compilation, say. */
  readonly onOutput?: (text: string) => void
  /** Resident memory past which its process is replaced before the system swaps; Linux only. */
  readonly memoryLimitBytes?: number
  /** While it is a last placement, the next process is held ready here; absent: none is. What runs in this process needs none. */
  readonly standbys?: StandbyPool
  readonly limits?: Partial<WorkerLimits>
}
