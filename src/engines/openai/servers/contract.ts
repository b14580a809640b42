import type { z } from 'zod'
import type { ServerDevice, ServerKind, ServerModel, Task } from '../../../domain/index.ts'

/** Body of a GET that was answered with 200 within its time, parsed where it is JSON; undefined otherwise. */
export type Get = (path: string) => Promise<unknown>

/** The same for a POST, only to routes that are documented to tell and to change nothing. */
export type Query = (path: string, body: unknown) => Promise<unknown>

/** What a server tells of itself. */
export interface Sighting {
  readonly version?: string
  readonly models: readonly ServerModel[]
  /** Absent: it does not tell. */
  readonly device?: ServerDevice
}

/** How a model is loaded; what the server does not tell is absent. */
export type ModelSizes = Pick<ServerModel, 'contextTokens' | 'parallel'>

/** Asks a server to do something, or what it has. @throws TandemError ENGINE_FAILED and others of the client */
export interface Order {
  /** On the clock of `performance.now()`: later it asks nothing more. */
  readonly endsMs: number
  get<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>>
  post<S extends z.ZodType>(path: string, body: unknown, schema: S): Promise<z.infer<S>>
}

/** Loading and unloading, for servers whose user allows it. */
export interface ModelKeeper {
  /**
   * Has a model in the server's memory when it returns; of a server that loads by itself (Ollama) only tells whose it will be.
   * @param name the server's own
   * @param contextTokens the window that the user wants; absent: the server's choice
   * @returns by what `unload` knows it; undefined: somebody else had loaded it, so it is not Tandem's to unload
   */
  load(order: Order, name: string, contextTokens: number | undefined): Promise<string | undefined>
  unload(order: Order, loadedAs: string): Promise<void>
}

/** What it says for a while instead of an answer, until it has put itself right. */
export interface PassingRefusal {
  readonly status: number
  readonly words: RegExp
  /** Milliseconds after which it is no passing one. */
  readonly lastsMs: number
}

/** One software: where it is looked for, how it is recognised, what it tells. */
export interface ServerSoftware {
  readonly kind: ServerKind
  readonly title: string
  /** On which it listens by itself. */
  readonly ports: readonly number[]
  /** Where its OpenAI API begins. */
  readonly api: string
  /** Answered with 200 as long as it lives. */
  readonly health: string
  /** A model's name as the server itself writes it; absent: as it is. */
  fullName?(name: string): string
  /** Looking changes nothing. @returns undefined where another software answers */
  look(get: Get, query: Query): Promise<Sighting | undefined>
  /** Of a model that is loaded by now; absent: `look` tells as much. */
  sizes?(get: Get, name: string): Promise<ModelSizes | undefined>
  /** Absent: no refusal of it passes by itself. */
  readonly passing?: PassingRefusal
  /** Absent: it loads and unloads nothing on request. */
  readonly keeper?: ModelKeeper
}

/** What a model does where its server does not say: encoders are named as such. */
export function tasksByName(name: string): Task[] {
  if (/rerank/i.test(name)) return ['rerank']
  if (/embed|(^|[-/_])(bge|e5|gte|minilm)([-_.:]|$)|minilm/i.test(name)) return ['embed']
  return ['chat']
}

/** Of a model as people write it: `7.6B`, `270M`. */
export function parametersOf(text: string): number | undefined {
  const [, number, unit] = /^([\d.]+)\s*([KMB])$/i.exec(text) ?? []
  if (number === undefined) return undefined
  const factor = { K: 1e3, M: 1e6, B: 1e9 }[unit!.toUpperCase()]!
  return Math.round(Number(number) * factor)
}
