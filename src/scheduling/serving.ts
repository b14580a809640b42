import type { Config } from '../config/index.ts'
import {
  type ChatDelta,
  type ChatMessage,
  type ChatRequest,
  type ChatResult,
  type ClassifyRequest,
  type CompletionRequest,
  type EmbedOutput,
  type EmbedRequest,
  type LayerTime,
  type Model,
  type Plan,
  type PromptCount,
  type QueueDepth,
  type RerankRequest,
  type ScoreOutput,
  type ServedBy,
  TandemError,
  type Task,
  type TokenizeRequest,
  type ToolSpec,
  traitsOf,
  type WorkerStatus,
} from '../domain/index.ts'
import { type Observer, observeWith } from '../telemetry/index.ts'
import type { Worker } from '../workers/index.ts'
import { type ChatCall, ChatJob } from './chat-job.ts'
import type { Activity, ManagedServing, Replanned, RequestContext, Served } from './contract.ts'
import type { Limits } from './core/index.ts'
import { estimateTokens } from './estimate.ts'
import { withoutImages } from './fault-of.ts'
import { type Ends, type Job, RowsJob } from './jobs.ts'
import { Loop, type OnFigure, type Submission } from './loop.ts'
import { type Route, Routes } from './routes.ts'
import { embedCall, type Rows, type RowsRequest, scoreCall, toEmbedOutput, toScoreOutput } from './rows.ts'
import { queueDepths, workerStatuses } from './statuses.ts'
import { expectedOf, waitingOf } from './waiting.ts'
import { Watched } from './watched.ts'
import { whenReady } from './when-ready.ts'

export interface ServingOptions {
  readonly plan: Plan
  /** Started by the caller; stopped by `drain`. Placements of the plan without a worker are left out. */
  readonly workers: readonly Worker[]
  /** The catalogue: limits of models whose worker still starts. */
  readonly models: readonly Model[]
  readonly config: Pick<Config, 'queue' | 'chat'>
  /** Hears how fast a placement answered while nothing else ran on its worker. */
  readonly onFigure?: OnFigure
  /** Hears what becomes of each request. */
  readonly observer?: Observer
}

const LIMITS = {
  maxTries: 3,
  maxKills: 10,
  // 64 texts of 128; bulk takes a quarter while much waits and less on slow devices, so that a person waits little
  batchTokens: 8192,
  bulkBatchTokens: 2048,
  bulkBatchMs: 100,
  batchInputs: 64,
  bulkAfter: 4,
  bulkAgesMs: 5_000,
  breakerAfter: 3,
  breakerMs: 1_000,
  maxBreakerMs: 60_000,
  hedgeTimes: 4,
  hedgeMs: 250,
  swapMs: 3_000,
} as const

/** Connects requests with the workers of a plan. */
export function createServing(options: ServingOptions): ManagedServing {
  return new Scheduler(options)
}

class Scheduler implements ManagedServing {
  readonly #loop: Loop
  #routes: Routes
  #workers: readonly Worker[]
  #wasReady = false
  readonly #maxWaitMs: number
  readonly #chatWindow: number | undefined
  readonly #observer: Observer
  readonly #requestListeners = new Set<() => void>()
  #nextId = 1
  #lastRequestMs = performance.now()

  constructor({ plan, workers, models, config, onFigure, observer }: ServingOptions) {
    const { maxWaiting, maxWaitMs } = config.queue
    const limits: Limits = { ...LIMITS, maxWaiting, resumeMs: maxWaitMs }
    this.#observer = observer ?? observeWith([])
    this.#routes = new Routes(plan, workers, models)
    this.#workers = workers
    this.#loop = new Loop(this.#routes, limits, {
      onVacated: (left) => {
        this.#workers = this.#workers.filter((worker) => worker !== left)
      },
      ...(onFigure ? { onFigure } : {}),
      observer: this.#observer,
    })
    this.#maxWaitMs = config.queue.maxWaitMs
    this.#chatWindow = config.chat.contextTokens
  }

  async embed(request: EmbedRequest, context: RequestContext): Promise<Served<EmbedOutput>> {
    const { model, inputs, purpose } = request
    const rows = await this.#rows('embed', model, purpose, { inputs, call: embedCall(purpose) }, context)
    return { ...rows, result: toEmbedOutput(rows.result) }
  }

  async rerank(request: RerankRequest, context: RequestContext): Promise<Served<ScoreOutput>> {
    const { model, query, documents, maxTokensPerDocument: limit } = request
    const inputs = documents.map((text) => ({ query, text }))
    const kind = `pairs ${limit ?? ''}`
    const rows = await this.#rows('rerank', model, kind, { inputs, call: scoreCall(limit) }, context)
    return { ...rows, result: toScoreOutput(rows.result) }
  }

  async classify({ model, inputs }: ClassifyRequest, context: RequestContext): Promise<Served<ScoreOutput>> {
    const rows = await this.#rows('classify', model, 'texts', { inputs, call: scoreCall() }, context)
    return { ...rows, result: toScoreOutput(rows.result) }
  }

  async chat(
    request: ChatRequest,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
  ): Promise<Served<ChatResult>> {
    const call: ChatCall = (worker, resume, ...rest) =>
      worker.chat(resume ? { ...request, resume } : request, ...rest)
    return this.#chat(request, context, onDelta, call)
  }

  async complete(
    request: CompletionRequest,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
  ): Promise<Served<ChatResult>> {
    return this.#chat(request, context, onDelta, (worker, resume, ...rest) =>
      worker.complete(resume ? { ...request, resume } : request, ...rest),
    )
  }

  async countTokens(model: string, texts: readonly string[], signal?: AbortSignal): Promise<number[]> {
    return this.#ask('chat', model, signal, (worker, options) => worker.countTokens(texts, options))
  }

  async countPrompt(
    model: string,
    messages: readonly ChatMessage[],
    tools: readonly ToolSpec[],
    signal?: AbortSignal,
  ): Promise<PromptCount> {
    return this.#ask('chat', model, signal, (worker, options) => worker.countPrompt(messages, tools, options))
  }

  async tokenize(model: string, request: TokenizeRequest, signal?: AbortSignal): Promise<number[]> {
    return this.#ask('chat', model, signal, (worker, options) => worker.tokenize(request, options))
  }

  async detokenize(model: string, tokens: readonly number[], signal?: AbortSignal): Promise<string> {
    return this.#ask('chat', model, signal, (worker, options) => worker.detokenize(tokens, options))
  }

  async profile(model: string, text: string, signal?: AbortSignal): Promise<Served<readonly LayerTime[]>> {
    return this.#ask('embed', model, signal, async (worker, options) => {
      const { engine, device, simulated } = worker.placement
      const result = await worker.profile(text, options)
      return { result, servedBy: { model, engine, device, simulated } }
    })
  }

  contextTokens(model: string): number {
    const route = this.#routes.find('chat', model)
    for (const { worker } of route.workers) if (worker.info?.contextTokens) return worker.info.contextTokens
    const own = this.#routes.model(model)?.contextTokens ?? Number.POSITIVE_INFINITY
    return Math.min(own, this.#chatWindow ?? own)
  }

  expected(model: string): ServedBy | undefined {
    const route = this.#routes.all.find((each) => each.task === 'chat' && each.model === model)
    return route && expectedOf(route)?.expected
  }

  workers(): readonly WorkerStatus[] {
    return workerStatuses(this.#workers, this.#loop.state, this.#loop.workerErrors)
  }

  queues(): readonly QueueDepth[] {
    return queueDepths(this.#routes.all, this.#loop.state)
  }

  async ready(): Promise<void> {
    for (;;) {
      const routes = this.#routes
      try {
        const loading = routes.all.filter(({ workers }) => workers.some(({ worker }) => !worker.resting))
        await Promise.all(loading.map((route) => whenReady(route)))
        if (routes === this.#routes) return
      } catch (thrown) {
        if (routes === this.#routes) throw thrown // another plan may have what this one has not
      }
    }
  }

  isReady(): boolean {
    // a model that begins unloaded is not waited for
    this.#wasReady ||= this.#routes.all.every(
      (route) => this.#loop.hasAnswered(route) || route.workers.every(({ worker }) => worker.resting),
    )
    return this.#wasReady
  }

  replan({ plan, workers, models }: Replanned): void {
    const kept = this.#workers.filter((old) => !workers.some(({ id }) => id === old.id))
    this.#workers = [...workers, ...kept]
    this.#routes = new Routes(plan, workers, models)
    this.#loop.replan(this.#routes)
  }

  paceBulk(share: number): void {
    this.#loop.send({ type: 'bulkPaced', share })
  }

  activity(): Activity {
    return { inFlight: this.#loop.state.requests.size, lastRequestMs: this.#lastRequestMs }
  }

  lastUsedMs(worker: string): number {
    return this.#loop.lastUsedMs.get(worker) ?? 0
  }

  onRequest(listener: () => void): () => void {
    this.#requestListeners.add(listener)
    return () => this.#requestListeners.delete(listener)
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

  /** @param kind requests of one kind, whose calls are alike, may share a batch */
  async #rows(
    task: Exclude<Task, 'chat'>,
    model: string,
    kind: string,
    request: RowsRequest,
    context: RequestContext,
  ): Promise<Served<Rows>> {
    const route = this.#routes.find(task, model)
    if (request.inputs.length === 0)
      throw new TandemError('INVALID_REQUEST', { what: `there is no input to ${task}` }, { param: 'input' })
    const limit = this.#routes.model(model)?.contextTokens ?? 512
    const tokens = request.inputs.map((input) => estimateTokens(input, limit))
    return this.#submit<Rows>(route, kind, tokens, context, (ends) => new RowsJob(request, ends))
  }

  #chat(
    request: ChatRequest | CompletionRequest,
    context: RequestContext,
    onDelta: (delta: ChatDelta) => void,
    call: ChatCall,
  ): Promise<Served<ChatResult>> {
    const { model } = request
    const route = this.#routes.find('chat', model)
    const toJob = (ends: Ends<ChatResult>, watched: Watched) => {
      const heard = (delta: ChatDelta) => {
        watched.wrote()
        onDelta(delta)
      }
      return new ChatJob(call, heard, ends)
    }
    const traits = traitsOf(request)
    // what is known is not found out again by sending pictures to who reads none
    const cannot = traits.includes('images') ? withoutImages(route) : []
    const refusal = cannot.length > 0 ? new TandemError('IMAGES_UNSUPPORTED', { model }) : undefined
    return this.#submit<ChatResult>(route, 'chat', [1], context, toJob, { traits, cannot, refusal })
  }

  async #submit<T extends Rows | ChatResult>(
    { id: lane, task, model }: Route,
    kind: string,
    tokens: readonly number[],
    context: RequestContext,
    toJob: (ends: Ends<T>, watched: Watched) => Job,
    {
      refusal,
      ...more
    }: Pick<Submission, 'cannot' | 'traits'> & { readonly refusal?: TandemError | undefined } = {},
  ): Promise<Served<T>> {
    const { signal, priority, client = 'local', onServedBy, onMoved } = context
    if (signal?.aborted) throw new TandemError('CANCELLED')
    const id = this.#nextId++
    this.#lastRequestMs = performance.now()
    for (const listener of this.#requestListeners) listener()
    const watched = new Watched(this.#observer, { id, task, model, priority, inputs: tokens.length })
    try {
      const deadlineMs = performance.now() + (context.deadlineMs ?? this.#maxWaitMs)
      const submission: Submission = {
        ...{ id, lane, priority, client, kind, deadlineMs, tokens },
        ...more,
      }
      context.onQueued?.(() => {
        const route = this.#routes.byId(lane)
        return route && waitingOf(id, this.#loop.state, route)
      })
      const ending = this.#queued<Served<T>>(
        submission,
        signal,
        (ends) => toJob({ ...ends, onServedBy, onMoved }, watched),
        refusal,
      )
      if (this.#loop.state.requests.has(id)) watched.admitted()
      const served = await ending
      watched.done(served.result, served.servedBy)
      return served
    } catch (thrown) {
      watched.failed(thrown)
      throw thrown
    }
  }

  /** In the queue when it returns; resolves with what the job ends with. An abort of `signal` calls it off. */
  async #queued<T>(
    submission: Submission,
    signal: AbortSignal | undefined,
    toJob: (ends: Pick<Ends<never>, 'reject'> & { readonly resolve: (value: T) => void }) => Job,
    refusal?: TandemError,
  ): Promise<T> {
    const cancel = () => this.#loop.send({ type: 'cancelled', request: submission.id })
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await new Promise<T>((resolve, reject) =>
        this.#loop.submit(submission, toJob({ resolve, reject }), refusal),
      )
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** The same as a request: what is unloaded loads in its turn, and stays loaded until it has answered. */
  async #askInTurn<T>(
    { id: lane }: Route,
    signal: AbortSignal | undefined,
    deadlineMs: number,
    call: (worker: Worker, options: { signal: AbortSignal; deadlineMs: number }) => Promise<T>,
  ): Promise<T> {
    const submission: Submission = {
      id: this.#nextId++,
      lane,
      priority: 'interactive',
      client: 'local',
      kind: 'turn',
      deadlineMs,
      tokens: [1],
    }
    let answer: { readonly value: T } | undefined
    return this.#queued<T>(submission, signal, ({ resolve, reject }) => ({
      kind: 'turn',
      call: async (worker, called) => {
        const leftMs = Math.max(1, deadlineMs - performance.now())
        answer = { value: await call(worker, { signal: called, deadlineMs: leftMs }) }
      },
      done: () => (answer ? resolve(answer.value) : reject(new Error('a turn ended without its call'))),
      fail: reject,
    }))
  }

  /** Something beside the queue, of the first worker that is ready; again when it is lost. */
  async #ask<T>(
    task: Task,
    model: string,
    signal: AbortSignal | undefined,
    call: (worker: Worker, options: { signal?: AbortSignal; deadlineMs: number }) => Promise<T>,
  ): Promise<T> {
    const endMs = performance.now() + this.#maxWaitMs
    for (let tries = 1; ; tries++) {
      const routes = this.#routes
      const bounds = { ...(signal ? { signal } : {}), waitMs: endMs - performance.now() }
      try {
        const route = routes.find(task, model)
        if (route.workers.every(({ worker }) => worker.resting))
          return await this.#askInTurn(route, signal, endMs, call)
        const worker = await whenReady(route, bounds)
        return await call(worker, {
          ...(signal ? { signal } : {}),
          deadlineMs: Math.max(1, endMs - performance.now()),
        })
      } catch (error) {
        const code = error instanceof TandemError ? error.code : undefined
        const replanned = routes !== this.#routes && code === 'SHUTTING_DOWN'
        const lost = code === 'WORKER_LOST' || code === 'STARTING' || replanned
        if (!lost || tries >= LIMITS.maxTries) throw error
      }
    }
  }
}
