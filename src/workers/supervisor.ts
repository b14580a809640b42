import {
  asTandemError,
  type ChatDelta,
  type ChatMessage,
  type ChatRequest,
  type ChatResult,
  type CompletionRequest,
  type EmbedOutput,
  type EmbedRequest,
  ENGINE_FAULTS,
  type ErrorCode,
  type LayerTime,
  type Placement,
  placementId,
  type ScoreOutput,
  type ScoreRequest,
  TandemError,
  type ToolSpec,
  type WorkerState,
} from '../domain/index.ts'
import type { LoadSpec } from '../engines/contract.ts'
import { checkEmbedOutput, checkScoreOutput } from './check-output.ts'
import type { CallOptions, Worker, WorkerEvent, WorkerInfo } from './contract.ts'
import { DEFAULT_LIMITS, type WorkerLimits } from './limits.ts'
import { type CallSpec, PendingCalls } from './pending-calls.ts'
import { WorkerProcess } from './process.ts'
import { planRestart } from './restart-policy.ts'
import { threadEnv } from './thread-env.ts'
import type { FromChild } from './wire.ts'

export interface WorkerOptions {
  readonly placement: Placement
  readonly spec: LoadSpec
  /** Nothing else serves the task: never quarantined, its restart waits 2 s at most. */
  readonly lastPlacement?: boolean
  /** Added to the environment, e.g. `GGML_VK_VISIBLE_DEVICES`. */
  readonly env?: Readonly<Record<string, string>>
  /** Its process gives way to the user's own programs. */
  readonly background?: boolean
  /** It begins unloaded: `wake` loads it. */
  readonly resting?: boolean
  /** Absolute path of a JavaScript module that exports `engine`; absent: the engine's own. */
  readonly modulePath?: string
  /** Looks at what the loaded model answers before anybody else may ask; a rejection with VECTOR_MISMATCH is for good. */
  readonly admit?: (embed: (texts: readonly string[]) => Promise<EmbedOutput>) => Promise<void>
  /** Hears what the process prints: progress of a compilation, say. */
  readonly onOutput?: (text: string) => void
  readonly limits?: Partial<WorkerLimits>
}

/** What a worker that is to rest gets to unload. */
const REST_GRACE_MS = 2_000

/** Another try reads the same files; a device or driver may come back. */
const FOR_GOOD: readonly ErrorCode[] = [
  'MODEL_FILE_BAD',
  'VECTOR_MISMATCH',
  'MODEL_UNSUPPORTED',
  'ENGINE_LIBRARY_BAD',
]

/** Where the worker stands; `busy` is `ready` with calls. */
type Phase = Exclude<WorkerState, 'busy'>

/** Owns one placement's process over all its lives; the only place that decides about them. */
export class Supervisor implements Worker {
  readonly id: string
  readonly placement: Placement
  readonly #options: WorkerOptions
  readonly #limits: WorkerLimits
  readonly #listeners = new Set<(event: WorkerEvent) => void>()
  #readyWaiters: { resolve: (info: WorkerInfo) => void; reject: (error: TandemError) => void }[] = []
  #isLast: boolean
  #threads: number
  #resting = false
  /** The process of a worker that rests, until it has ended. */
  #leaving: WorkerProcess | undefined
  #phase: Phase = 'starting'
  #info: WorkerInfo | undefined
  #process: WorkerProcess | undefined
  #calls: PendingCalls | undefined
  #timer: NodeJS.Timeout | undefined
  #crashesMs: number[] = []
  #failedProbes = 0
  #failuresInRow = 0
  /** Why the process is about to be killed, or failed to load: better known than its exit code. */
  #failure: TandemError | undefined
  #stopping: Promise<void> | undefined

  constructor(options: WorkerOptions) {
    this.id = placementId(options.placement)
    this.placement = options.placement
    this.#options = options
    this.#isLast = options.lastPlacement ?? false
    this.#threads = options.spec.threads
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    if (options.resting) {
      this.#resting = true
      this.#phase = 'stopped'
    } else this.#start()
  }

  get state(): WorkerState {
    return this.#phase === 'ready' && this.#calls && this.#calls.size > 0 ? 'busy' : this.#phase
  }

  get info(): WorkerInfo | undefined {
    return this.#info
  }

  get threads(): number {
    return this.#threads
  }

  get resting(): boolean {
    return this.#resting
  }

  ready(): Promise<WorkerInfo> {
    this.wake()
    if (this.#phase === 'ready' && this.#info) return Promise.resolve(this.#info)
    if (this.#phase === 'stopped') return Promise.reject(this.#failure ?? new TandemError('SHUTTING_DOWN'))
    return new Promise((resolve, reject) => this.#readyWaiters.push({ resolve, reject }))
  }

  embed(request: EmbedRequest, options: CallOptions = {}): Promise<EmbedOutput> {
    const { engine } = this.placement
    const inputs = request.inputs.length
    const check = (value: unknown) =>
      checkEmbedOutput(value, { inputs, engine, width: this.#info?.dimensions })
    const priority = options.priority ?? 'interactive'
    return this.#call({ body: { method: 'embed', request, priority }, options, check })
  }

  score(request: ScoreRequest, options: CallOptions = {}): Promise<ScoreOutput> {
    const { engine } = this.placement
    const inputs = request.inputs.length
    const check = (value: unknown) => checkScoreOutput(value, { inputs, engine, width: this.#info?.width })
    const priority = options.priority ?? 'interactive'
    return this.#call({ body: { method: 'score', request, priority }, options, check })
  }

  profile(text: string, options: CallOptions = {}): Promise<LayerTime[]> {
    return this.#call({ body: { method: 'profile', text }, options, check: trusted<LayerTime[]> })
  }

  chat(
    request: ChatRequest,
    onDelta: (delta: ChatDelta) => void,
    options: CallOptions = {},
  ): Promise<ChatResult> {
    return this.#call({ body: { method: 'chat', request }, options, onDelta, check: trusted<ChatResult> })
  }

  complete(
    request: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    options: CallOptions = {},
  ): Promise<ChatResult> {
    return this.#call({ body: { method: 'complete', request }, options, onDelta, check: trusted<ChatResult> })
  }

  countTokens(texts: readonly string[], options: CallOptions = {}): Promise<number[]> {
    return this.#call({ body: { method: 'countTokens', texts }, options, check: trusted<number[]> })
  }

  countPrompt(
    messages: readonly ChatMessage[],
    tools: readonly ToolSpec[],
    options: CallOptions = {},
  ): Promise<number> {
    return this.#call({ body: { method: 'countPrompt', messages, tools }, options, check: trusted<number> })
  }

  onEvent(listener: (event: WorkerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  setLastPlacement(isLast: boolean): void {
    this.#isLast = isLast
  }

  setThreads(threads: number): void {
    if (threads === this.#threads) return
    this.#threads = threads
    this.#process?.send({ type: 'setThreads', threads })
  }

  unloaded(): Promise<void> {
    return this.#leaving?.exited ?? Promise.resolve()
  }

  get background(): boolean {
    return this.#options.background ?? false
  }

  rest(): boolean {
    const child = this.#process
    if (this.#phase !== 'ready' || !child || (this.#calls?.size ?? 0) > 0) return false
    this.#process = undefined
    this.#calls = undefined
    this.#info = undefined
    this.#resting = true
    this.#leaving = child
    child.send({ type: 'stop' })
    const timer = setTimeout(() => child.kill(), REST_GRACE_MS)
    void child.exited.then(() => clearTimeout(timer))
    this.#announce('stopped', { resting: true })
    return true
  }

  wake(): void {
    if (!this.#resting || this.#stopping) return
    this.#resting = false
    this.#announce('starting')
    // its memory is free only when the old process is gone
    const gone = this.#leaving?.exited ?? Promise.resolve()
    void gone.then(() => {
      this.#leaving = undefined
      if (!this.#stopping) this.#start()
    })
  }

  stop(graceMs: number): Promise<void> {
    if (graceMs <= 0) for (const child of [this.#process, this.#leaving]) child?.kill() // a second, harder stop
    this.#stopping ??= this.#stop(graceMs)
    return this.#stopping
  }

  async #stop(graceMs: number): Promise<void> {
    const answering = this.#phase === 'ready'
    clearTimeout(this.#timer)
    const stopped = new TandemError('SHUTTING_DOWN')
    this.#failure = stopped
    this.#become('stopped', stopped)
    this.#calls?.failAll(stopped)
    const child = this.#process
    await this.#leaving?.exited
    if (!child) return
    if (!answering) child.kill() // a load cannot be interrupted
    child.send({ type: 'stop' })
    const timer = setTimeout(() => child.kill(), Math.max(0, graceMs))
    await child.exited
    clearTimeout(timer)
  }

  /** A device whose driver is lost fails every call while its process lives on. */
  async #countFailures<T>(call: Promise<T>): Promise<T> {
    try {
      const value = await call
      this.#failuresInRow = 0
      return value
    } catch (thrown) {
      if (thrown instanceof TandemError && ENGINE_FAULTS.includes(thrown.code)) {
        this.#failuresInRow += 1
        if (this.#failuresInRow >= this.#limits.failuresInRow)
          this.#kill(`${this.#failuresInRow} failures in a row: ${thrown.message}`)
      }
      throw thrown
    }
  }

  #call<T>(spec: CallSpec<T>): Promise<T> {
    const refuse = (error: TandemError) => {
      spec.options.onReleased?.()
      return Promise.reject(error)
    }
    if (this.#phase !== 'ready' || !this.#calls)
      return refuse(
        this.#phase === 'stopped' && !this.#resting
          ? (this.#failure ?? new TandemError('SHUTTING_DOWN'))
          : new TandemError('STARTING', { what: this.id }, { retryAfterS: 2 }),
      )
    if (this.#calls.size >= this.#limits.maxCalls)
      return refuse(
        new TandemError(
          'QUEUE_FULL',
          { device: this.placement.device, waiting: this.#calls.size },
          { retryAfterS: 1 },
        ),
      )
    return this.#countFailures(this.#calls.start(spec))
  }

  #start(): void {
    const { spec: first, placement, modulePath, env, background } = this.#options
    const { blockThreads = first.threads } = first
    const spec = { ...first, threads: this.#threads, blockThreads }
    this.#failure = undefined
    this.#failuresInRow = 0
    const child: WorkerProcess = new WorkerProcess(
      { ...threadEnv(spec.threads), ...env },
      this.#limits.outputChars,
      {
        onMessage: (message) => this.#process === child && this.#heard(message),
        onOutput: (text) => this.#options.onOutput?.(text),
        onExit: (why) => this.#process === child && this.#gone(why),
      },
    )
    this.#process = child
    if (background) child.giveWay()
    this.#calls = new PendingCalls(
      (message) => child.send(message),
      this.#limits.hangMs,
      () => this.#kill(`it hangs: no answer to a cancel within ${this.#limits.hangMs} ms`),
    )
    const timeoutMs = this.#limits.startTimeoutMs
    this.#timer = setTimeout(() => this.#kill(`not ready after ${timeoutMs} ms`), timeoutMs)
    child.send({ type: 'load', engine: placement.engine, spec, ...(modulePath ? { modulePath } : {}) })
  }

  #heard(message: FromChild): void {
    if (message.type === 'ready') void this.#loaded({ pid: this.#process?.pid ?? 0, ...message.info })
    else if (message.type === 'loadFailed') {
      this.#failure = TandemError.fromWire(message.error)
      this.#process?.kill()
    } else this.#calls?.heard(message)
  }

  async #loaded(info: WorkerInfo): Promise<void> {
    const calls = this.#calls
    try {
      if (calls) await this.#admit(calls, info)
    } catch (thrown) {
      if (calls !== this.#calls) return // its process is gone
      this.#failure ??= asTandemError(thrown)
      this.#process?.kill()
      return
    }
    if (this.#stopping || calls !== this.#calls) return // it ended meanwhile
    clearTimeout(this.#timer)
    this.#info = info
    this.#failedProbes = 0
    this.#become('ready')
    for (const waiter of this.#readyWaiters.splice(0)) waiter.resolve(info)
  }

  async #admit(calls: PendingCalls, { dimensions }: WorkerInfo): Promise<void> {
    const { engine, model } = this.placement
    await this.#options.admit?.((inputs) => {
      const request: EmbedRequest = { model, inputs, purpose: 'passage' }
      return calls.start({
        body: { method: 'embed', request, priority: 'interactive' },
        options: {},
        check: (value) => checkEmbedOutput(value, { inputs: inputs.length, engine, width: dimensions }),
      })
    })
  }

  #kill(why: string): void {
    this.#failure = new TandemError('WORKER_LOST', { worker: this.id, why })
    this.#process?.kill()
  }

  /** The process has ended, for whatever reason. */
  #gone(why: string): void {
    clearTimeout(this.#timer)
    const error = this.#failure ?? new TandemError('WORKER_LOST', { worker: this.id, why })
    const calls = this.#calls
    this.#process = undefined
    this.#calls = undefined
    this.#info = undefined
    if (!this.#stopping) this.#planNextLife(error)
    calls?.failAll(
      error.code === 'WORKER_LOST' ? error : new TandemError('WORKER_LOST', { worker: this.id, why }),
    )
  }

  #planNextLife(error: TandemError): void {
    if (FOR_GOOD.includes(error.code)) {
      this.#failure = error
      this.#become('stopped', error)
      return
    }
    const nowMs = performance.now()
    const probed = this.#phase === 'quarantined'
    if (probed) this.#failedProbes += 1
    this.#crashesMs = [...this.#crashesMs, nowMs].filter((ms) => nowMs - ms < this.#limits.crashWindowMs)
    const history = { recentCrashes: this.#crashesMs.length, failedProbes: this.#failedProbes }
    const next = planRestart(history, this.#limits, this.#isLast, Math.random())
    this.#become(next.quarantined ? 'quarantined' : 'restarting', error)
    if (this.#crashesMs.length >= this.#limits.quarantineAfter) this.#refuseWaiters(error)
    this.#timer = setTimeout(() => this.#start(), next.delayMs)
  }

  #become(phase: Phase, error?: TandemError): void {
    this.#announce(phase, error ? { error } : {})
    if (phase === 'stopped') this.#refuseWaiters(error ?? new TandemError('SHUTTING_DOWN'))
  }

  #announce(phase: Phase, more: Omit<WorkerEvent, 'state'> = {}): void {
    this.#phase = phase
    for (const listener of this.#listeners) listener({ state: phase, ...more })
  }

  #refuseWaiters(error: TandemError): void {
    for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(error)
  }
}

/** Chat answers and counts pass as the engine's contract promises them. */
function trusted<T>(value: unknown): T {
  return value as T
}

/** Starts the process of a placement; returns at once, `ready()` tells when it answers. */
export function startWorker(options: WorkerOptions): Worker {
  return new Supervisor(options)
}
