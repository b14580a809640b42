import type { DeviceKind } from './device.ts'
import type { Task } from './task.ts'

export const SERVER_KINDS = [
  'llama-server',
  'lmstudio',
  'ollama',
  'ovms',
  'vllm',
  'text-generation-webui',
  'koboldcpp',
  'tandem',
  'openai',
] as const
/** Software of a server that runs models; `openai` is any that speaks OpenAI's API. */
export type ServerKind = (typeof SERVER_KINDS)[number]

/** A model as a server tells of it; what it does not tell is absent. */
export interface ServerModel {
  /** The server's own name of it. */
  readonly name: string
  readonly tasks: readonly Task[]
  /** Absent: not told; false: it loads when it is asked for. */
  readonly loaded?: boolean
  readonly contextTokens?: number
  readonly dimensions?: number
  readonly parameters?: number
  /** Whether it reads pictures. */
  readonly images?: boolean
  /** The GGUF file that it has open, where that is on this machine. */
  readonly file?: string
  /** Chats that it answers at once. */
  readonly parallel?: number
  /** Its server loads it when it is asked for by its name, and may unload it: that name stays, whatever file is behind it. */
  readonly byName?: boolean
}

/** On what a server computes. */
export interface ServerDevice {
  readonly kind: DeviceKind
  /** Whether the server says so itself; else it is inferred. */
  readonly told: boolean
  /** One clause for a person: `it keeps 100 % of its model in the memory of a GPU`. */
  readonly why: string
}

/** A model of a server under the names that both sides have for it. */
export interface ServedModel {
  readonly task: Task
  /** Id of the catalogue. */
  readonly model: string
  /** The server's own name. */
  readonly as: string
  /** Whether the server has it in memory, when it was last looked at; absent: not told. */
  readonly loaded?: boolean
}

/** A server that somebody else started and whose models are placements like others. */
export interface AdoptedServer {
  /** Of the configuration, or its kind where it was found. */
  readonly name: string
  readonly kind: ServerKind
  /** Without a slash at its end and without `/v1`. */
  readonly url: string
  readonly version?: string
  /** Whether only this machine reaches it: what is sent there does not leave it. */
  readonly local: boolean
  /** Name of the variable that holds its API key. */
  readonly apiKeyEnv?: string
  /** How Tandem starts it itself, as its engine reads it; absent: somebody else runs it. */
  readonly launch?: Readonly<Record<string, unknown>>
  /** Of one that Tandem starts: the device of this machine whose memory it takes, by id, and its model's weights and cache. */
  readonly holds?: { readonly device: string; readonly weightBytes: number; readonly cacheBytes?: number }
  /** Its user lets Tandem load and unload models there; absent: nothing on it is changed. */
  readonly manage?: boolean
  /** Its entry in the system's keychain, where it is there. */
  readonly apiKeyKeychain?: string
  /** Milliseconds that a question which computes nothing takes there, connecting included; absent: nothing leaves this machine, or not known. */
  readonly roundTripMs?: number
  /** What its models could do and its user did not allow. */
  readonly withheld?: readonly WithheldModel[]
}

/** A task for which a model of a server may not be asked. */
export interface WithheldModel {
  readonly task: Task
  /** The server's own name. */
  readonly model: string
}
