import type { ServerDevice, ServerKind, ServerModel, Task } from '../../../domain/index.ts'

/**
 * Body of a GET that was answered with 200 within its time, parsed where it is JSON; undefined otherwise.
 * @param question sent by POST: only to routes that read and change nothing
 */
export type Get = (path: string, question?: unknown) => Promise<unknown>

/** What a server tells of itself. */
export interface Sighting {
  readonly version?: string
  readonly models: readonly ServerModel[]
  /** Absent: it does not tell. */
  readonly device?: ServerDevice
}

/** One software: where it is looked for, how it is recognised, what it tells. Nothing here changes a server. */
export interface ServerSoftware {
  readonly kind: ServerKind
  readonly title: string
  /** On which it listens by itself. */
  readonly ports: readonly number[]
  /** Where its OpenAI API begins. */
  readonly api: string
  /** Answered with 200 as long as it lives. */
  readonly health: string
  /** @returns undefined where another software answers */
  look(get: Get): Promise<Sighting | undefined>
}

/** What a model does where its server does not say: encoders are named as such. */
export function tasksByName(name: string): Task[] {
  if (/rerank/i.test(name)) return ['rerank']
  if (/embed|(^|[-/_])(bge|e5|gte|minilm)([-_.:]|$)|minilm/i.test(name)) return ['embed']
  return ['chat']
}
