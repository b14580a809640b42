/** What the rooms above (http, mcp, project) ask of the scheduler. */
import type {
  ChatDelta,
  ChatMessage,
  ChatMove,
  ChatRequest,
  ChatResult,
  ClassifyRequest,
  CompletionRequest,
  EmbedOutput,
  EmbedRequest,
  LayerTime,
  Model,
  ModelLoading,
  Plan,
  Priority,
  PromptCount,
  QueueDepth,
  RerankRequest,
  ScoreOutput,
  ServedBy,
  TokenizeRequest,
  ToolSpec,
  WorkerState,
  WorkerStatus,
} from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'

export interface RequestContext {
  readonly priority: Priority
  /** Who asks: clients of a priority share a model evenly. Default: the server itself. */
  readonly client?: string
  readonly signal?: AbortSignal
  /** Milliseconds from now; default `queue.maxWaitMs` of the config until the first byte. */
  readonly deadlineMs?: number
  /** Called once, before the first delta or the result. */
  readonly onServedBy?: (served: ServedBy) => void
  /** Chats: called each time that an answer goes on elsewhere, before the first delta from there. */
  readonly onMoved?: (served: ServedBy, move: ChatMove) => void
  /**
   * Called once, when the request comes into its queue: `waiting` tells at any time what it waits for; undefined once it has
   * ended, or when nothing serves it.
   */
  readonly onQueued?: (waiting: () => Waiting | undefined) => void
}

/** What a request waits for. */
export interface Waiting {
  /** Its place in the queue, from 1; 0: a worker has it. */
  readonly position: number
  /** Who has it, or who will by how things stand: the first in plan order that is up, else that is on its way. */
  readonly expected: ServedBy
  /** That worker's. */
  readonly state: WorkerState
  /** While its process loads the model. */
  readonly loading?: ModelLoading
}

export interface Served<T> {
  readonly result: T
  readonly servedBy: ServedBy
}

/** Another plan for a running server. */
export interface Replanned {
  readonly plan: Plan
  /** All that the plan needs: those that it keeps and new ones, which the scheduler stops from now on. */
  readonly workers: readonly Worker[]
  readonly models: readonly Model[]
}

export interface Activity {
  /** Requests that wait or run. */
  readonly inFlight: number
  /** When the last one came, by `performance.now()`; the start of the server where none came. */
  readonly lastRequestMs: number
}

export interface Serving {
  /**
   * Embeds; retried on another placement or on the restarted worker when a worker dies, within the deadline.
   * @throws TandemError MODEL_NOT_FOUND, TASK_UNSERVED, QUEUE_FULL, DEADLINE, CANCELLED, SHUTTING_DOWN, ENGINE_FAILED
   */
  embed(request: EmbedRequest, context: RequestContext): Promise<Served<EmbedOutput>>
  /** One relevance for each document, in their order; retried as embeddings are. Same errors. */
  rerank(request: RerankRequest, context: RequestContext): Promise<Served<ScoreOutput>>
  /** One score of each of the model's labels for each input; retried as embeddings are. Same errors. */
  classify(request: ClassifyRequest, context: RequestContext): Promise<Served<ScoreOutput>>
  /**
   * Streams. When a worker dies the answer goes on at the next placement of the same model, or at the restarted worker,
   * from what was sent: deltas never repeat and never leave anything out, the result is the whole answer. It waits
   * `queue.maxWaitMs` for a worker at most, and is lost three times at most.
   * @throws TandemError as `embed`, CONTEXT_LENGTH_EXCEEDED, CANNOT_CONTINUE; after the last delta that could be had
   */
  chat(
    request: ChatRequest,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
  ): Promise<Served<ChatResult>>
  complete(
    request: CompletionRequest,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
  ): Promise<Served<ChatResult>>
  countTokens(model: string, texts: readonly string[], signal?: AbortSignal): Promise<number[]>
  countPrompt(
    model: string,
    messages: readonly ChatMessage[],
    tools: readonly ToolSpec[],
    signal?: AbortSignal,
  ): Promise<PromptCount>
  /** Ids of a text's tokens. @throws TandemError as `embed`, MODEL_CANNOT where the engine knows no ids */
  tokenize(model: string, request: TokenizeRequest, signal?: AbortSignal): Promise<number[]>
  /** Same errors, and INVALID_REQUEST for an unknown id. */
  detokenize(model: string, tokens: readonly number[], signal?: AbortSignal): Promise<string>
  /**
   * Times every layer of the embedding model for one text, on the first placement that is ready.
   * @throws TandemError INVALID_REQUEST when its engine cannot, or was not started for it
   */
  profile(model: string, text: string, signal?: AbortSignal): Promise<Served<readonly LayerTime[]>>
  /** Tokens that the running chat worker of this model has room for; the model's own limit while it starts. */
  contextTokens(model: string): number
  /** Who would answer a chat of this model as things stand: first in plan order that is up, else that is on its way. */
  expected(model: string): ServedBy | undefined
  workers(): readonly WorkerStatus[]
  /** One for each priority of every task and model, also where nothing waits. */
  queues(): readonly QueueDepth[]
  /** Resolves when every task and model of the plan answered once; rejects when one of them failed for good. */
  ready(): Promise<void>
  isReady(): boolean
  /** No new work; running work gets `graceMs`, then everything stops. */
  drain(graceMs: number): Promise<void>
}

/** What the owner of the plan asks beside. */
export interface ManagedServing extends Serving {
  /**
   * Serves by another plan from now on. What runs goes on; a worker that the plan has dropped serves until one of the
   * plan is ready for its task and model, then it is stopped.
   */
  replan(replanned: Replanned): void
  activity(): Activity
  /** Bulk of workers in the background takes this share of its time from now on, 0..1. */
  paceBulk(share: number): void
  /** When a worker last worked, by `performance.now()`; 0: never. */
  lastUsedMs(worker: string): number
  /** Hears of each request as it comes. @returns ends it */
  onRequest(listener: () => void): () => void
}
