import type { Config } from '../config/index.ts'
import {
  type ChatDelta,
  type ChatMessage,
  type ChatRequest,
  type ChatResult,
  type CompletionRequest,
  type EmbedOutput,
  type EmbedRequest,
  type Model,
  type Plan,
  TandemError,
  type ToolSpec,
  type WorkerStatus,
} from '../domain/index.ts'
import type { Worker } from '../workers/index.ts'
import type { RequestContext, Served, Serving } from './contract.ts'
import type { Limits } from './core/index.ts'
import { estimateTokens } from './estimate.ts'
import { type ChatCall, ChatJob, EmbedJob, type Job } from './jobs.ts'
import { Loop, type Submission } from './loop.ts'
import { Routes } from './routes.ts'
import { workerStatuses } from './statuses.ts'
import { whenReady } from './when-ready.ts'

export interface ServingOptions {
  readonly plan: Plan
  /** Started by the caller; stopped by `drain`. Placements of the plan without a worker are left out. */
  readonly workers: readonly Worker[]
  /** The catalogue: limits of models whose worker still starts. */
  readonly models: readonly Model[]
  readonly config: Pick<Config, 'queue' | 'chat'>
}

/** Tokens of a batch: 64 texts of 128. Bulk takes a quarter while much waits, so that a person waits little. */
const BATCHING = { maxTries: 3, batchTokens: 8192, bulkBatchTokens: 2048, batchInputs: 64, bulkAfter: 4 }

/** Connects requests with the workers of a plan. */
export function createServing(options: ServingOptions): Serving {
  return new Scheduler(options)
}

class Scheduler implements Serving {
  readonly #routes: Routes
  readonly #loop: Loop
  readonly #workers: readonly Worker[]
  readonly #maxWaitMs: number
  readonly #chatWindow: number | undefined
  #nextId = 1

  constructor({ plan, workers, models, config }: ServingOptions) {
    const limits: Limits = { ...BATCHING, maxWaiting: config.queue.maxWaiting }
    this.#routes = new Routes(plan, workers, models)
    this.#loop = new Loop(this.#routes, limits)
    this.#workers = workers
    this.#maxWaitMs = config.queue.maxWaitMs
    this.#chatWindow = config.chat.contextTokens
  }

  async embed(request: EmbedRequest, context: RequestContext): Promise<Served<EmbedOutput>> {
    const route = this.#routes.find('embed', request.model)
    if (request.inputs.length === 0)
      throw new TandemError('INVALID_REQUEST', { what: 'there is no input to embed' }, { param: 'input' })
    const limit = this.#routes.model(request.model)?.contextTokens ?? 512
    const tokens = request.inputs.map((input) => estimateTokens(input, limit))
    return this.#submit<EmbedOutput>(
      route.id,
      request.purpose,
      tokens,
      context,
      (ends) => new EmbedJob(request, ends),
    )
  }

  async chat(
    request: ChatRequest,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
  ): Promise<Served<ChatResult>> {
    return this.#chat(request.model, context, onDelta, (worker, ...rest) => worker.chat(request, ...rest))
  }

  async complete(
    request: CompletionRequest,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
  ): Promise<Served<ChatResult>> {
    return this.#chat(request.model, context, onDelta, (worker, ...rest) => worker.complete(request, ...rest))
  }

  async countTokens(model: string, texts: readonly string[], signal?: AbortSignal): Promise<number[]> {
    return this.#count(model, signal, (worker, options) => worker.countTokens(texts, options))
  }

  async countPrompt(
    model: string,
    messages: readonly ChatMessage[],
    tools: readonly ToolSpec[],
    signal?: AbortSignal,
  ): Promise<number> {
    return this.#count(model, signal, (worker, options) => worker.countPrompt(messages, tools, options))
  }

  contextTokens(model: string): number {
    const route = this.#routes.find('chat', model)
    for (const { worker } of route.workers) if (worker.info?.contextTokens) return worker.info.contextTokens
    const own = this.#routes.model(model)?.contextTokens ?? Number.POSITIVE_INFINITY
    return Math.min(own, this.#chatWindow ?? own)
  }

  workers(): readonly WorkerStatus[] {
    return workerStatuses(this.#workers, this.#loop.state)
  }

  async ready(): Promise<void> {
    await Promise.all(this.#routes.all.map((route) => whenReady(route)))
  }

  isReady(): boolean {
    return this.#routes.all.every((route) => this.#loop.hasAnswered(route))
  }

  async drain(graceMs: number): Promise<void> {
    const endMs = performance.now() + graceMs
    this.#loop.send({ type: 'draining' })
    let timer: NodeJS.Timeout | undefined
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([this.#loop.idle(), grace])
    clearTimeout(timer)
    this.#loop.send({ type: 'stopped' })
    const leftMs = Math.max(0, endMs - performance.now())
    await Promise.all(this.#workers.map((worker) => worker.stop(leftMs)))
    this.#loop.close()
  }

  #chat(
    model: string,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
    call: ChatCall,
  ): Promise<Served<ChatResult>> {
    const route = this.#routes.find('chat', model)
    return this.#submit<ChatResult>(
      route.id,
      'chat',
      [1],
      context,
      (ends) => new ChatJob(call, onDelta, ends),
    )
  }

  async #submit<T>(
    lane: string,
    kind: string,
    tokens: readonly number[],
    context: RequestContext,
    toJob: (
      ends: ConstructorParameters<typeof EmbedJob>[1] & ConstructorParameters<typeof ChatJob>[2],
    ) => Job,
  ): Promise<Served<T>> {
    const { signal, priority, onServedBy } = context
    if (signal?.aborted) throw new TandemError('CANCELLED')
    const id = this.#nextId++
    const cancel = () => this.#loop.send({ type: 'cancelled', request: id })
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      const deadlineMs = performance.now() + (context.deadlineMs ?? this.#maxWaitMs)
      const submission: Submission = { id, lane, priority, kind, deadlineMs, tokens }
      return await new Promise<Served<T>>((resolve, reject) => {
        const ends = { resolve: resolve as (served: Served<unknown>) => void, reject, onServedBy }
        this.#loop.submit(submission, toJob(ends))
      })
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  async #count<T>(
    model: string,
    signal: AbortSignal | undefined,
    count: (worker: Worker, options: { signal?: AbortSignal; deadlineMs: number }) => Promise<T>,
  ): Promise<T> {
    const route = this.#routes.find('chat', model)
    const endMs = performance.now() + this.#maxWaitMs
    for (let tries = 1; ; tries++) {
      const worker = await whenReady(route, {
        ...(signal ? { signal } : {}),
        waitMs: endMs - performance.now(),
      })
      try {
        return await count(worker, {
          ...(signal ? { signal } : {}),
          deadlineMs: Math.max(1, endMs - performance.now()),
        })
      } catch (error) {
        const lost =
          error instanceof TandemError && (error.code === 'WORKER_LOST' || error.code === 'STARTING')
        if (!lost || tries >= BATCHING.maxTries) throw error
      }
    }
  }
}
