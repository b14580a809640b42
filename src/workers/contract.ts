/** What a running placement offers to the scheduler; the process behind it is the supervisor's business. */
import type {
  AnswerTrait,
  ChatDelta,
  ChatMessage,
  ChatRequest,
  ChatResult,
  CompletionRequest,
  EmbedOutput,
  EmbedRequest,
  LayerTime,
  ModelLoading,
  Placement,
  Priority,
  PromptCount,
  ScoreOutput,
  ScoreRequest,
  TandemError,
  TokenizeRequest,
  ToolSpec,
  WorkerState,
} from '../domain/index.ts'

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Milliseconds from now; past it the call fails with DEADLINE and the worker is told to stop it. */
  readonly deadlineMs?: number
  /** Embeddings and scores; interactive calls overtake bulk ones that wait at the worker. Default: interactive. */
  readonly priority?: Priority
  /**
   * Milliseconds in which the first progress is expected (a delta, a block of the prompt, the result), measured. A worker
   * that is silent for a multiple of it is probed, and replaced when it hangs. Absent: a safe bound.
   */
  readonly expectedMs?: number
  /** Called once, when the worker no longer works on the call: answered, let go after a cancel, or lost. */
  readonly onReleased?: () => void
}

export interface WorkerInfo {
  /** Of its process; absent: it is a thread of ours, beside a server that has its own. */
  readonly pid?: number
  readonly engineVersion: string
  /** Embedding models. */
  readonly dimensions?: number
  /** Rerankers and classifiers: scores of each input. */
  readonly width?: number
  /** All encoders. */
  readonly maxTokens?: number
  /** Decoders. */
  readonly contextTokens?: number
  /** Decoders: whether it reads pictures. */
  readonly images?: boolean
  /** Decoders: it goes on with an answer that has no other traits, where another worker was lost. */
  readonly resumes?: readonly AnswerTrait[]
  readonly slots?: number
  /** Up to which more slots may be tried; absent: `slots`. */
  readonly maxSlots?: number
  readonly loadMs: number
}

/** State as seen from outside; `error` says why it is not ready. `busy` is shown but not announced. */
export interface WorkerEvent {
  readonly state: WorkerState
  readonly error?: TandemError
  /** With `restarting` and `quarantined`: milliseconds until its next start. */
  readonly retryInMs?: number
  /** With `ready`: the first call after a quarantine decides whether it stays; send one, no more. */
  readonly probing?: boolean
  /** With `stopped`: it only rests, and `wake` brings it back. */
  readonly resting?: boolean
  /** Another program ended its process, and no lack of memory: nothing that it was asked is to blame. */
  readonly killed?: boolean
}

export interface Worker {
  readonly id: string
  readonly placement: Placement
  readonly state: WorkerState
  /** Set once ready. */
  readonly info: WorkerInfo | undefined
  /** Resolves when the model answered once; rejects when the start failed for good or the worker was stopped. */
  ready(): Promise<WorkerInfo>
  /** @throws TandemError WORKER_LOST when the process dies, DEADLINE, CANCELLED, or what the engine threw */
  embed(request: EmbedRequest, options?: CallOptions): Promise<EmbedOutput>
  /** Reranks or classifies, as the placement's task is. Same errors. */
  score(request: ScoreRequest, options?: CallOptions): Promise<ScoreOutput>
  /** Times every layer of one inference; the placement must be loaded for it. @throws TandemError INVALID_REQUEST */
  profile(text: string, options?: CallOptions): Promise<LayerTime[]>
  chat(request: ChatRequest, onDelta: (delta: ChatDelta) => void, options?: CallOptions): Promise<ChatResult>
  complete(
    request: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    options?: CallOptions,
  ): Promise<ChatResult>
  countTokens(texts: readonly string[], options?: CallOptions): Promise<number[]>
  countPrompt(
    messages: readonly ChatMessage[],
    tools: readonly ToolSpec[],
    options?: CallOptions,
  ): Promise<PromptCount>
  /** @throws TandemError MODEL_CANNOT where the engine knows no ids */
  tokenize(request: TokenizeRequest, options?: CallOptions): Promise<number[]>
  /** Same errors, and INVALID_REQUEST for an unknown id. */
  detokenize(tokens: readonly number[], options?: CallOptions): Promise<string>
  onEvent(listener: (event: WorkerEvent) => void): () => void
  /** How far its process is that loads the model; undefined: there is none, or it is ready. */
  readonly loading: ModelLoading | undefined
  /** Hears of a load that tells how far it is, a few times each second at most. @returns ends it */
  onLoading(listener: (loading: ModelLoading) => void): () => void
  /** Whether nothing else serves the task: never quarantined then, its restart waits 2 s at most. */
  setLastPlacement(isLast: boolean): void
  /** Compute threads that it was told to have. */
  readonly threads: number
  /** Other compute threads, at least 1: from its next inference on where its engine can, else when it is started again. */
  setThreads(threads: number): void
  /** Whether it was unloaded by `rest`. */
  readonly resting: boolean
  /** Processor time that its processes have used, in milliseconds; some 1 s old. */
  readonly cpuMs: number
  /** Resolves when the process of a worker that rests has ended: its memory is free. */
  unloaded(): Promise<void>
  /** Its process gives way to the user's own programs. */
  readonly background: boolean
  /** Unloads the model where nothing is asked of it now; `wake` or `ready` load it again. @returns whether it rests */
  rest(): boolean
  /** Loads again what rests. */
  wake(): void
  /** Asks the child to end, then kills its tree after `graceMs`. */
  stop(graceMs: number): Promise<void>
}
