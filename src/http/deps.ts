/** What the HTTP server needs from the house; `app.ts` provides it. */
import type { ModelChanges } from '../calibration/index.ts'
import type { Config } from '../config/index.ts'
import type { Device, DeviceLoad, Model, Plan, PlanChange } from '../domain/index.ts'
import type { PullOutcome, pullModel } from '../models/index.ts'
import type { Projects } from '../project/contract.ts'
import type { Serving } from '../scheduling/contract.ts'
import type { Residency } from '../scheduling/index.ts'
import type { Telemetry } from '../telemetry/index.ts'

/** What a client may know of a model; a catalogue entry has it all. */
export type ModelEntry = Pick<
  Model,
  | 'id'
  | 'title'
  | 'tasks'
  | 'parameters'
  | 'contextTokens'
  | 'fingerprint'
  | 'embedding'
  | 'chat'
  | 'classify'
> &
  Partial<Pick<Model, 'files' | 'folder' | 'license'>>

/** Structured logging, details first; pino's shape. */
export interface HttpLog {
  error(details: object, message: string): void
  warn(details: object, message: string): void
  debug(details: object, message: string): void
}

/** A model to fetch, and who hears of it. */
export type PullAsk = Pick<Parameters<typeof pullModel>[0], 'name' | 'file' | 'signal' | 'say' | 'onProgress'>

export interface OtherPlan {
  /** Name of a policy. */
  readonly policy?: string
  /** Name of a simulated machine. */
  readonly simulate?: string
}

export interface HttpDeps {
  readonly config: Config
  readonly version: string
  readonly serving: Serving
  /** Absent: this server has no projects. */
  readonly projects?: Projects
  /** Models that a client may name, the ones served first. */
  readonly models: () => readonly ModelEntry[]
  readonly plan: () => Plan
  /**
   * What the plan would be by another policy, or on a simulated machine; nothing changes.
   * @throws TandemError INVALID_REQUEST with the nearest names
   */
  readonly planWith: (other: OtherPlan) => Promise<Plan>
  /** Hears of every other plan that the server takes. @returns ends it */
  readonly onPlan: (listener: (change: PlanChange) => void) => () => unknown
  readonly devices: () => readonly Device[]
  /** Fetches a model from the hub into this home, as `tandem pull` does; same errors. Absent: this server fetches none. */
  readonly pull?: (ask: PullAsk) => Promise<PullOutcome>
  /**
   * Serves what the folders of models hold by now; what runs goes on. Absent: this server serves what was there when it started.
   * @returns ids of models that came, went or changed
   * @throws TandemError MODEL_NOT_FOUND, MODEL_UNSERVABLE for a model that the configuration names
   */
  readonly refreshModels?: () => Promise<ModelChanges>
  /** Absent: models stay as the plan has them, whatever clients wish. */
  readonly residency?: Residency
  /** How busy each device is now, by id; what nobody tells is absent. Never throws. */
  readonly load?: () => Promise<ReadonlyMap<string, DeviceLoad>>
  readonly telemetry: Pick<Telemetry, 'metrics' | 'events' | 'workerHistory'>
  /** Whether `/health` is 200. */
  readonly isReady: () => boolean
  readonly log: HttpLog
  /** Milliseconds; tests shorten them. */
  readonly timing?: Partial<Timing>
  /** Streams of events at once; a test takes fewer. */
  readonly maxEventReaders?: number
}

export interface Timing {
  /** A request that has not arrived completely by then gets 408. */
  readonly requestTimeoutMs: number
  /** Between two comments that keep an event stream open. */
  readonly heartbeatMs: number
  /** A streamed answer that has said nothing for so long says what it waits for. */
  readonly keepAliveMs: number
  /** How often workers and queues are compared for the event stream: each tells a change at most so often. */
  readonly workerPollMs: number
}

export const TIMING: Timing = {
  requestTimeoutMs: 30_000,
  heartbeatMs: 15_000,
  keepAliveMs: 5_000,
  workerPollMs: 500,
}
