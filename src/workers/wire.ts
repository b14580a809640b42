/** Messages between a worker's life and its process or thread; vectors and scores travel as typed arrays (structured clone). */
import type {
  ChatDelta,
  ChatMessage,
  ChatRequest,
  CompletionRequest,
  EmbedRequest,
  EngineId,
  Priority,
  ScoreRequest,
  TokenizeRequest,
  ToolSpec,
  WireError,
} from '../domain/index.ts'
import type { LoadSpec } from '../engines/contract.ts'
import type { WorkerInfo } from './contract.ts'

export type CallBody =
  | { readonly method: 'embed'; readonly request: EmbedRequest; readonly priority: Priority }
  | { readonly method: 'score'; readonly request: ScoreRequest; readonly priority: Priority }
  | { readonly method: 'profile'; readonly text: string }
  | { readonly method: 'chat'; readonly request: ChatRequest }
  | { readonly method: 'complete'; readonly request: CompletionRequest }
  | { readonly method: 'countTokens'; readonly texts: readonly string[] }
  | {
      readonly method: 'countPrompt'
      readonly messages: readonly ChatMessage[]
      readonly tools: readonly ToolSpec[]
    }
  | { readonly method: 'tokenize'; readonly request: TokenizeRequest }
  | { readonly method: 'detokenize'; readonly tokens: readonly number[] }

export interface LoadOrder {
  readonly engine: EngineId
  readonly spec: LoadSpec
  /** Absolute path of a module that exports `engine`; absent: the engine's own `child.js`. */
  readonly modulePath?: string
}

export type ToChild =
  /** Do what can be done before the load, without the model's memory; not answered. */
  | ({ readonly type: 'prepare' } & LoadOrder)
  | ({ readonly type: 'load' } & LoadOrder)
  | { readonly type: 'ping' }
  | { readonly type: 'call'; readonly id: number; readonly body: CallBody }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'setThreads'; readonly threads: number }
  | { readonly type: 'stop' }

export type FromChild =
  | { readonly type: 'ready'; readonly info: Omit<WorkerInfo, 'pid'> }
  /** Share of the weights that are in memory, 0..1; while it loads, never less than before. */
  | { readonly type: 'loading'; readonly progress: number }
  | { readonly type: 'loadFailed'; readonly error: WireError }
  | { readonly type: 'pong' }
  /** Processor time that the process, and those that it started, have used since its start, in milliseconds; now and then. */
  | { readonly type: 'usage'; readonly cpuMs: number }
  /** The engine works on the call and has nothing to show yet. */
  | { readonly type: 'progress'; readonly id: number }
  | { readonly type: 'delta'; readonly id: number; readonly delta: ChatDelta }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }

/** Environment variable that tells a worker process whom it must not outlive. */
export const PARENT_PID = 'TANDEM_PARENT_PID'

/** File descriptor of the pipe that carries the messages, in the worker process. */
export const CHANNEL_FD = 3

/** What a process or a thread is called while it has no model, and once it has one. */
export const STANDBY_NAME = 'tandem standby'
export const WORKER_NAME = 'tandem worker'
