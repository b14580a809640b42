/**
 * What an engine promises. An engine's `child.ts` runs inside a worker process and exports `engine: Engine`;
 * its `descriptor.ts` is plain data and may be imported anywhere. `contract.suite.ts` is run by every engine.
 */
import type {
  AnswerTrait,
  ChatDelta,
  ChatMessage,
  ChatRequest,
  ChatResult,
  CompletionRequest,
  EmbedInput,
  EmbedOutput,
  EngineDescriptor,
  KvType,
  LayerTime,
  Model,
  PromptCount,
  ScoreInput,
  ScoreOutput,
  Task,
  TokenizeRequest,
  ToolSpec,
} from '../domain/index.ts'

/** Everything that a child needs to load a placement. Plain data: it crosses IPC. */
export interface LoadSpec {
  readonly model: Model
  readonly task: Task
  /** The engine's own name of the device (`cpu`, `GPU.1`). */
  readonly device: string
  /** Compute threads, at least 1. */
  readonly threads: number
  /**
   * Decoders: threads that the block of prompt tokens is sized for; absent: `threads`. Results depend on the block, so it stays as it
   * was when a later life has other threads.
   */
  readonly blockThreads?: number
  /** Decoders: the window to open; at most the model's. */
  readonly contextTokens?: number
  /** Decoders: sequences that may decode at once. */
  readonly slots?: number
  /** Decoders: layers on the device; absent: all that there are. */
  readonly gpuLayers?: number
  /** Decoders: layers whose experts stay on the CPU; absent: none. */
  readonly cpuExpertLayers?: number
  /** Decoders: how keys and values are kept; absent: f16. */
  readonly kvType?: KvType
  /** What only this engine understands; its child checks it. */
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface Engine {
  readonly descriptor: EngineDescriptor
  /** Version of the native library, for caches and `tandem doctor`. */
  version(): string
  /** Does ahead what `load` of the same spec needs, but for the model's own memory; only the time of `load` shows it. */
  prepare?(spec: LoadSpec): Promise<void>
  /** @throws TandemError ENGINE_FAILED, MODEL_FILE_BAD; the signal's reason */
  load(spec: LoadSpec, context?: LoadContext): Promise<Loaded>
}

/** Hears the share of a model's weights that are in memory, 0..1. */
export type OnLoadProgress = (share: number) => void

/** What a load hears of whoever asked for it, and tells it; an engine without native code may be loaded in the main process, so it ends and prints nothing by itself. */
export interface LoadContext {
  /** Aborted when nobody wants the model any more, while it loads or later: what it holds here is let go of at once. */
  readonly signal?: AbortSignal
  /** As often as the engine tells it; one that cannot tell never calls it. */
  readonly onProgress?: OnLoadProgress
  /** A line on what it waits for or fails of, for a person. */
  readonly onOutput?: (line: string) => void
  /**
   * What has the model is gone, and the model with it.
   * @param why one clause
   * @param killed it was a process of ours, and a SIGKILL that is not ours ended it
   */
  readonly onLost?: (why: string, killed: boolean) => void
}

interface LoadedModel {
  /** Of what answers, where that is not the engine itself. */
  readonly version?: string
  dispose(): Promise<void>
}

export type Loaded = LoadedEncoder | LoadedScorer | LoadedDecoder

interface LoadedRows extends LoadedModel {
  /** Calls beside each other that are done sooner than one after the other; changes with the threads. Absent: 1. */
  readonly atOnce?: number | undefined
}

export interface LoadedEncoder extends LoadedRows {
  readonly kind: 'encoder'
  readonly dimensions: number
  /** Tokens of one input, special tokens counted. */
  readonly maxTokens: number
  /**
   * Embeds all inputs in one call, in their order; sorts and splits by length itself. A cut input is named in
   * `truncated`, never an error. Looks at `signal` between inner batches.
   * @throws TandemError INVALID_REQUEST (token id out of range), CANCELLED, ENGINE_FAILED
   */
  embed(
    inputs: readonly EmbedInput[],
    purpose: 'query' | 'passage',
    signal: AbortSignal,
  ): Promise<EmbedOutput>
  /** Times every layer of one inference; only engines that can, when they were loaded for it. */
  profile?(text: string): Promise<LayerTime[]>
  /**
   * Other compute threads, at least 1, from the next inference on; absent: those of the load stay.
   * @throws TandemError ENGINE_FAILED: it goes on with those that it had
   */
  setThreads?(threads: number): Promise<void>
}

/** A reranker (pairs, width 1) or a classifier (texts, one column for each label). */
export interface LoadedScorer extends LoadedRows {
  readonly kind: 'scorer'
  /** Scores of each input. */
  readonly width: number
  /** Tokens of one input, special tokens counted. */
  readonly maxTokens: number
  /**
   * Scores all inputs in one call, in their order; sorts and splits by length itself. A cut input is named in
   * `truncated`, never an error; of a pair the text is cut, and the query only where it takes more than half the room.
   * @param maxTextTokens of the text of a pair
   * @throws TandemError CANCELLED, ENGINE_FAILED
   */
  score(inputs: readonly ScoreInput[], signal: AbortSignal, maxTextTokens?: number): Promise<ScoreOutput>
  /**
   * Other compute threads, at least 1, from the next inference on; absent: those of the load stay.
   * @throws TandemError ENGINE_FAILED: it goes on with those that it had
   */
  setThreads?(threads: number): Promise<void>
}

/** What a decoder's answer costs before it runs. */
export interface ChatPromptSpec {
  readonly messages: readonly ChatMessage[]
  readonly tools: readonly ToolSpec[]
}

export interface LoadedDecoder extends LoadedModel {
  readonly kind: 'decoder'
  readonly contextTokens: number
  readonly slots: number
  /** Up to which the scheduler may try how many more at once bring anything; absent: `slots`. */
  readonly maxSlots?: number
  /** It takes `resume` of answers that have no other traits; the rest is refused before it gets here. */
  readonly resumes: readonly AnswerTrait[]
  /** Whether it reads pictures; where it does not, a chat with some is refused before it gets here. */
  readonly images: boolean
  /**
   * Answers a chat; deltas are sent as they are decoded, and together equal the result's text and tool calls.
   * An aborted `signal` ends decoding at the next token.
   *
   * With `resume` it goes on where another worker of the same model was lost: prompt and replayed tokens are read, and
   * deltas, text, calls and `completionTokens` hold only what is new; `promptTokens` counts the prompt alone. maxTokens,
   * stop strings, penalties and grammars see the whole answer. At temperature 0 all parts together are the text of an
   * undisturbed run; a seeded run goes on with the seed plus the replayed tokens. Of calls that were sent none is written again.
   * @param onProgress called while nothing is sent but work goes on: at each block of a prompt and each token
   * @throws TandemError CONTEXT_LENGTH_EXCEEDED (before the first delta), INVALID_REQUEST, CANCELLED, ENGINE_FAILED,
   * CANNOT_CONTINUE where the replayed tokens do not give the text that was shown
   */
  chat(
    request: ChatRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress?: () => void,
  ): Promise<ChatResult>
  /** Continues raw text, or fills it in. Same errors, MODEL_CANNOT where it cannot fill in. */
  complete(
    request: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress?: () => void,
  ): Promise<ChatResult>
  /** Tokens of each text, no special tokens. */
  countTokens(texts: readonly string[]): Promise<number[]>
  /** Tokens of the rendered prompt. */
  countPrompt(prompt: ChatPromptSpec): Promise<PromptCount>
  /** Ids of a text's tokens; absent: it knows none. */
  tokenize?(request: TokenizeRequest): Promise<number[]>
  /** The text of tokens, special ones shown by their names; there where `tokenize` is. @throws TandemError INVALID_REQUEST for an unknown id */
  detokenize?(tokens: readonly number[]): Promise<string>
  /**
   * Other compute threads, at least 1, from the next inference on; absent: those of the load stay.
   * @throws TandemError ENGINE_FAILED: it goes on with those that it had
   */
  setThreads?(threads: number): Promise<void>
}
