import type {
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
  PromptCount,
  ScoreOutput,
  ScoreRequest,
  TokenizeRequest,
  ToolSpec,
  WorkerState,
} from '../domain/index.ts'
import {
  checkChatResult,
  checkCounts,
  checkEmbedOutput,
  checkLayerTimes,
  checkPromptCount,
  checkScoreOutput,
  checkText,
  checkTokens,
} from './check-output.ts'
import type { CallOptions, Worker, WorkerEvent, WorkerInfo } from './contract.ts'
import type { WorkerOptions } from './options.ts'
import { Supervisor } from './supervisor.ts'

/** What can be asked of a placement's process, whichever life it has; each answer is checked. */
class SupervisedWorker implements Worker {
  readonly id: string
  readonly placement: Placement
  readonly background: boolean
  readonly #supervisor: Supervisor

  constructor(options: WorkerOptions) {
    this.placement = options.placement
    this.background = options.background ?? false
    this.#supervisor = new Supervisor(options)
    this.id = this.#supervisor.id
  }

  get state(): WorkerState {
    return this.#supervisor.state
  }

  get info(): WorkerInfo | undefined {
    return this.#supervisor.info
  }

  get resting(): boolean {
    return this.#supervisor.resting
  }

  get cpuMs(): number {
    return this.#supervisor.cpuMs
  }

  get threads(): number {
    return this.#supervisor.threads
  }

  setThreads(threads: number): void {
    this.#supervisor.setThreads(threads)
  }

  unloaded(): Promise<void> {
    return this.#supervisor.unloaded()
  }

  ready(): Promise<WorkerInfo> {
    return this.#supervisor.ready()
  }

  embed(request: EmbedRequest, options: CallOptions = {}): Promise<EmbedOutput> {
    const { priority = 'interactive' } = options
    const expected = { ...this.#expected(request), width: this.info?.dimensions }
    const check = (value: unknown) => checkEmbedOutput(value, expected)
    return this.#supervisor.call({ body: { method: 'embed', request, priority }, options, check })
  }

  score(request: ScoreRequest, options: CallOptions = {}): Promise<ScoreOutput> {
    const { priority = 'interactive' } = options
    const expected = { ...this.#expected(request), width: this.info?.width }
    const check = (value: unknown) => checkScoreOutput(value, expected)
    return this.#supervisor.call({ body: { method: 'score', request, priority }, options, check })
  }

  profile(text: string, options: CallOptions = {}): Promise<LayerTime[]> {
    const check = (value: unknown) => checkLayerTimes(value, this.placement.engine)
    return this.#supervisor.call({ body: { method: 'profile', text }, options, check })
  }

  chat(
    request: ChatRequest,
    onDelta: (delta: ChatDelta) => void,
    options: CallOptions = {},
  ): Promise<ChatResult> {
    const check = (value: unknown) => checkChatResult(value, this.placement.engine)
    return this.#supervisor.call({ body: { method: 'chat', request }, options, onDelta, check })
  }

  complete(
    request: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    options: CallOptions = {},
  ): Promise<ChatResult> {
    const check = (value: unknown) => checkChatResult(value, this.placement.engine)
    return this.#supervisor.call({ body: { method: 'complete', request }, options, onDelta, check })
  }

  countTokens(texts: readonly string[], options: CallOptions = {}): Promise<number[]> {
    const check = (value: unknown) => checkCounts(value, texts.length, this.placement.engine)
    return this.#supervisor.call({ body: { method: 'countTokens', texts }, options, check })
  }

  async countPrompt(
    messages: readonly ChatMessage[],
    tools: readonly ToolSpec[],
    options: CallOptions = {},
  ): Promise<PromptCount> {
    const check = (value: unknown) => checkPromptCount(value, this.placement.engine)
    return this.#supervisor.call({ body: { method: 'countPrompt', messages, tools }, options, check })
  }

  tokenize(request: TokenizeRequest, options: CallOptions = {}): Promise<number[]> {
    const check = (value: unknown) => checkTokens(value, this.placement.engine)
    return this.#supervisor.call({ body: { method: 'tokenize', request }, options, check })
  }

  detokenize(tokens: readonly number[], options: CallOptions = {}): Promise<string> {
    const check = (value: unknown) => checkText(value, this.placement.engine)
    return this.#supervisor.call({ body: { method: 'detokenize', tokens }, options, check })
  }

  onEvent(listener: (event: WorkerEvent) => void): () => void {
    return this.#supervisor.onEvent(listener)
  }

  get loading(): ModelLoading | undefined {
    return this.#supervisor.loading
  }

  onLoading(listener: (loading: ModelLoading) => void): () => void {
    return this.#supervisor.onLoading(listener)
  }

  setLastPlacement(isLast: boolean): void {
    this.#supervisor.setLastPlacement(isLast)
  }

  rest(): boolean {
    return this.#supervisor.rest()
  }

  wake(): void {
    this.#supervisor.wake()
  }

  stop(graceMs: number): Promise<void> {
    return this.#supervisor.stop(graceMs)
  }

  #expected({ inputs }: { readonly inputs: readonly unknown[] }): { inputs: number; engine: string } {
    return { inputs: inputs.length, engine: this.placement.engine }
  }
}

/** Starts the process of a placement; returns at once, `ready()` tells when it answers. */
export function startWorker(options: WorkerOptions): Worker {
  return new SupervisedWorker(options)
}
