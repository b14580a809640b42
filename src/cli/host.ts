/** What the command line needs from the rest of the house; `app.ts` provides it. */
import type { CalibrationProgress, CalibrationReport } from '../calibration/index.ts'
import type { Config } from '../config/index.ts'
import type { Plan, Task } from '../domain/index.ts'

export interface ServeOptions {
  readonly config: Config
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  /** Tasks to start workers for; absent: all that the plan serves. */
  readonly tasks?: readonly Task[]
  /** Placements that the configuration asks for have no fallback. */
  readonly exclusive?: boolean
  /** A placement that the configuration asks for and that cannot be is no error: it is the devices that are asked for. */
  readonly anyPlan?: boolean
  /** What another server has loaded: the memory counts as free, for the plan is to be compared with that server's. */
  readonly beside?: Pick<Plan, 'tasks'>
  /** Ends the start; what runs then is ended by `stop`. */
  readonly signal: AbortSignal
  /** Writes `server.json`, so that other commands find the server, and refuses a second one in this home. */
  readonly announce: boolean
  /** Follow the known projects' trees from the start; a one-off command opens only what it asks for. */
  readonly openProjects: boolean
}

export interface RunningServer {
  /** `http://127.0.0.1:8420` */
  readonly url: string
  /** Further addresses that it listens on. */
  readonly alsoAt: readonly string[]
  /** For a person: what of the configuration is not followed, and why. */
  readonly warnings: readonly string[]
  /** Resolves when `/health` is 200. */
  ready(): Promise<void>
  /** Drains and ends every child; resolves when nothing is left. */
  stop(graceMs: number): Promise<void>
  /** Ends children at once, without waiting. */
  kill(): void
}

export interface CalibrateOptions {
  readonly config: Config
  readonly home: string
  readonly signal: AbortSignal
  /** Absent: all. */
  readonly tasks?: readonly Task[]
  /** Measures also what is known. */
  readonly again: boolean
  readonly onProgress: (progress: CalibrationProgress) => void
  readonly onWarning: (sentence: string) => void
}

export interface CommandHost {
  /** Measures every placement that is possible here. @throws the signal's reason; what was measured is kept */
  calibrate(options: CalibrateOptions): Promise<CalibrationReport>
  /** @throws TandemError PORT_TAKEN, ALREADY_RUNNING */
  startServer(options: ServeOptions): Promise<RunningServer>
}
