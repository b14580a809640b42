import type { Config } from '../config/index.ts'
import type { EngineDevice, EngineId, Task } from '../domain/index.ts'

export interface InspectionInput {
  readonly config: Config
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

export interface DiscoveryInput extends InspectionInput {
  /** Engines that somebody asks for: they are looked for everywhere, also where that takes time. */
  readonly asked: readonly EngineId[]
}

/** What an engine has on this machine. */
export interface DiscoveredEngine {
  readonly engine: EngineId
  /** Of its library: measurements of another version do not count; absent when it cannot be used. */
  readonly version?: string
  readonly devices: readonly EngineDevice[]
  /** `LoadSpec.settings` of its workers. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Added to the environment of its workers. */
  readonly env: Readonly<Record<string, string>>
  /** Why it cannot be used, or not on every device that it could have: it has only those listed. */
  readonly problem?: string
  /** What its own configuration asks for where `placement` says nothing. */
  readonly asks?: { readonly tasks: readonly Task[]; readonly device: string; readonly by: string }
  /** For a person: what of the configuration is not followed, and what was lost, with the reason. */
  readonly warnings: readonly string[]
}

export interface InspectedDevice extends EngineDevice {
  /** What of it is known in words of ours: `driverVersion`, `pciAddress`; absent ones are absent. */
  readonly details: object
  /** All that the engine tells, by its own names. */
  readonly properties: Readonly<Record<string, string>>
}

/** What an engine tells about its devices when it is asked for everything. */
export interface EngineInspection {
  readonly version: string
  /** Absolute path of what was loaded. */
  readonly library: string
  readonly devices: readonly InspectedDevice[]
  /** Sentences: what did not load and why. */
  readonly problems: readonly string[]
}
