import type { LiveFigure } from '../calibration/index.ts'
import {
  asTandemError,
  type ChatDelta,
  ENGINE_FAULTS,
  type Placement,
  type ServedBy,
  TandemError,
} from '../domain/index.ts'
import type { Worker, WorkerEvent } from '../workers/index.ts'
import type { ChatJob } from './chat-job.ts'
import {
  type Batch,
  type Effect,
  type Ending,
  type Event,
  type Fault,
  initialState,
  type LaneSpec,
  type Limits,
  type State,
  step,
} from './core/index.ts'
import { endingError } from './ending-error.ts'
import type { Job, RowsJob } from './jobs.ts'
import { withNamedInput } from './named-input.ts'
import type { Route, Routes } from './routes.ts'
import type { RowInput } from './rows.ts'

/** Batches at an encoder at once: one runs, one is ahead, so that it never waits for IPC. */
const ENCODER_ROOM = 2
/** A batch is bounded work: past this the worker counts as hanging. */
const BATCH_MS = 30_000
/** A chat that has begun must show something within this. */
const SILENCE_MS = 120_000
const TICK_MS = 100
/** Tokens of an answer from which on its speed tells something. */
const MIN_WRITTEN = 16
/** A worker that the plan has dropped holds nothing any more: it only has to unload. */
const LEAVE_MS = 2_000

/** A model of so many parameters takes the limits' batches; a larger one so much smaller ones, for they last as long. */
const FULL_BATCH_PARAMETERS = 100e6
const MIN_BATCH_TOKENS = 512

export type Submission = Extract<Event, { type: 'submitted' }>['request']

export type OnFigure = (placement: Placement, figure: LiveFigure) => void

export interface LoopListeners {
  /** The plan has dropped the worker, and it is being stopped. */
  readonly onVacated: (worker: Worker) => void
  readonly onFigure?: OnFigure
}

type EventBody = Event extends infer E ? (E extends Event ? Omit<E, 'nowMs'> : never) : never

/** Performs what the core decides: calls workers, ends requests, brings time and news of workers in. */
export class Loop {
  readonly #limits: Limits
  readonly #listeners: LoopListeners
  readonly #workers = new Map<string, Target>()
  readonly #jobs = new Map<number, Job>()
  readonly #aborts = new Map<number, AbortController>()
  /** Why a batch failed, until the core has used it. */
  readonly #batchErrors = new Map<number, TandemError>()
  readonly #workerErrors = new Map<string, TandemError>()
  readonly #answered = new Set<string>()
  /** When a worker last got or ended a batch, by `performance.now()`. */
  readonly lastUsedMs = new Map<string, number>()
  readonly #inbox: Event[] = []
  readonly #idleWaiters: (() => void)[] = []
  #routes: Routes
  #state: State
  #stepping = false
  #ticker: NodeJS.Timeout | undefined

  constructor(routes: Routes, limits: Limits, listeners: LoopListeners) {
    this.#limits = limits
    this.#listeners = listeners
    this.#routes = routes
    this.#state = initialState(limits, lanesOf(routes, limits), performance.now())
    for (const route of routes.all) for (const { worker } of route.workers) this.#watch(worker, route)
  }

  /** Takes a new plan: what runs goes on, workers that it has dropped are stopped once nobody needs them. */
  replan(routes: Routes): void {
    this.#routes = routes
    this.send({ type: 'replanned', lanes: lanesOf(routes, this.#limits) })
    for (const route of routes.all)
      for (const { worker } of route.workers) {
        const known = this.#workers.get(worker.id)
        if (known?.worker === worker) known.route = route
        else this.#watch(worker, route)
      }
  }

  /** Whether a worker of the route was ready at least once. */
  hasAnswered(route: Route): boolean {
    return this.#answered.has(route.id)
  }

  /** Why a worker was last lost, by its id. */
  get workerErrors(): ReadonlyMap<string, TandemError> {
    return this.#workerErrors
  }

  get state(): State {
    return this.#state
  }

  submit(submission: Submission, job: Job): void {
    this.#jobs.set(submission.id, job)
    this.#ticker ??= setInterval(() => this.send({ type: 'ticked' }), TICK_MS)
    this.send({ type: 'submitted', request: submission })
    if (this.#state.requests.has(submission.id)) this.#wake(submission.lane)
  }

  /** For who waits in a lane loads again what rests: its first worker, and the next one while none of them is at work. */
  #wake(lane: string): void {
    const workers = this.#routes.byId(lane)?.workers.map(({ worker }) => worker) ?? []
    workers[0]?.wake()
    if (
      workers.every(({ state }) => state === 'stopped' || state === 'quarantined' || state === 'restarting')
    )
      workers.find(({ resting }) => resting)?.wake()
  }

  /** Events that arrive while one is handled wait for their turn. */
  send(body: EventBody): void {
    this.#inbox.push({ ...body, nowMs: performance.now() } as Event)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let event = this.#inbox.shift(); event; event = this.#inbox.shift()) {
        const { state, effects } = step(this.#state, event)
        this.#state = state
        for (const effect of effects) this.#perform(effect)
      }
    } finally {
      this.#stepping = false
    }
    if (this.#jobs.size === 0) this.#rest()
  }

  /** Resolves when no request is left. */
  idle(): Promise<void> {
    if (this.#jobs.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  close(): void {
    for (const { off } of this.#workers.values()) off()
  }

  #rest(): void {
    clearInterval(this.#ticker)
    this.#ticker = undefined
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }

  #watch(worker: Worker, route: Route): void {
    const before = this.#workers.get(worker.id)
    before?.off()
    if (before && before.worker !== worker) void before.worker.stop(0) // it had stopped for good
    const ready = () => {
      this.#answered.add(route.id)
      const room = route.task === 'chat' ? (worker.info?.slots ?? 1) : ENCODER_ROOM
      this.send({ type: 'workerReady', worker: worker.id, room })
    }
    const heard = (event: WorkerEvent) => {
      if (event.state === 'ready') return ready()
      if (event.error) this.#workerErrors.set(worker.id, event.error)
      const gone = event.state === 'stopped' && !event.resting
      const why = event.resting ? 'unloaded' : event.state
      this.#tellChats(worker.id, event.error)
      this.send({ type: 'workerLost', worker: worker.id, why, gone })
      if ([...this.#state.requests.values()].some(({ lane }) => lane === route.id)) this.#wake(route.id)
    }
    this.#workers.set(worker.id, { worker, route, off: worker.onEvent(heard) })
    if (worker.info) ready()
  }

  /** Before the core sends them elsewhere: they say why. */
  #tellChats(worker: string, error: TandemError | undefined): void {
    for (const batch of this.#state.batches.values()) {
      const job = batch.worker === worker ? this.#jobs.get(batch.parts[0]?.request ?? -1) : undefined
      if (job?.kind === 'chat') job.lost(error)
    }
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'dispatch':
        void this.#run(effect)
        return
      case 'cancelBatch':
        this.#aborts.get(effect.batch)?.abort()
        return
      case 'end':
        this.#end(effect.request, effect.ending)
        return
      case 'vacated':
        this.#letGo(effect.worker)
        return
      default:
        effect satisfies never
    }
  }

  #letGo(id: string): void {
    const left = this.#workers.get(id)
    if (!left) return
    left.off()
    this.#workers.delete(id)
    this.#workerErrors.delete(id)
    this.lastUsedMs.delete(id)
    this.#listeners.onVacated(left.worker)
    void left.worker.stop(LEAVE_MS)
  }

  #end(id: number, ending: Ending): void {
    const job = this.#jobs.get(id)
    this.#jobs.delete(id)
    try {
      if (ending.how === 'done') job?.done()
      else job?.fail(endingError(ending, this.#routes, this.#batchErrors, this.#workerErrors))
    } catch (thrown) {
      job?.fail(thrown) // its reader is broken
    }
  }

  async #run({ batch, fallback }: Extract<Effect, { type: 'dispatch' }>): Promise<void> {
    const target = this.#workers.get(batch.worker)
    if (!target) return
    this.lastUsedMs.set(batch.worker, performance.now())
    const served = this.#servedBy(target, fallback)
    const abort = new AbortController()
    this.#aborts.set(batch.id, abort)
    let onReleased = () => {}
    const released = new Promise<void>((resolve) => {
      onReleased = resolve
    })
    const call = { batch, worker: target.worker, served, abort, onReleased }
    try {
      await (target.route.task === 'chat' ? this.#chat(call) : this.#rows(call))
      this.send({ type: 'batchDone', batch: batch.id })
    } catch (thrown) {
      const error = asTandemError(thrown)
      this.#batchErrors.set(batch.id, error)
      this.send({ type: 'batchFailed', batch: batch.id, fault: faultOf(error) })
      this.#batchErrors.delete(batch.id)
    }
    await released
    this.lastUsedMs.set(batch.worker, performance.now())
    this.#aborts.delete(batch.id)
    this.send({ type: 'batchReleased', batch: batch.id })
  }

  async #rows({ batch, worker, served, abort, onReleased }: Call): Promise<void> {
    const [head] = batch.parts
    const { call } = (this.#jobs.get(head!.request) as RowsJob).request // of all parts: they are of one kind
    const inputs: RowInput[] = []
    for (const part of batch.parts) {
      const { request } = this.#jobs.get(part.request) as RowsJob
      for (const index of part.inputs) inputs.push(request.inputs[index] as RowInput)
    }
    const options = { signal: abort.signal, deadlineMs: BATCH_MS, priority: batch.priority, onReleased }
    const stopwatch = this.#stopwatch(batch)
    const output = await call(worker, inputs, options).catch((thrown: unknown) => {
      throw withNamedInput(thrown, batch)
    })
    const ms = stopwatch()
    if (ms !== undefined) {
      const tokens = Math.max(...output.tokens)
      this.#listeners.onFigure?.(worker.placement, {
        kind: 'encoder',
        tokens,
        batch: inputs.length,
        msPerText: ms / inputs.length,
      })
    }
    let offset = 0
    for (const part of batch.parts) {
      const job = this.#jobs.get(part.request) as RowsJob | undefined // cancelled meanwhile
      job?.take(output, part.inputs, offset, served)
      offset += part.inputs.length
    }
  }

  async #chat({ batch, worker, served, abort, onReleased }: Call): Promise<void> {
    const id = batch.parts[0]?.request ?? -1
    const job = this.#jobs.get(id) as ChatJob
    const part = job.begin(served)
    let silence: NodeJS.Timeout | undefined
    let silent = false
    const onDelta = (delta: ChatDelta) => {
      if (!this.#jobs.has(id)) return
      if (silence) silence.refresh()
      else {
        silence = setTimeout(() => {
          silent = true
          abort.abort()
        }, SILENCE_MS)
        this.send({ type: 'firstDelta', batch: batch.id })
      }
      try {
        job.delta(delta, part)
      } catch (thrown) {
        job.fail(thrown) // the reader is broken: nobody takes the rest
        this.send({ type: 'cancelled', request: id })
      }
    }
    const stopwatch = this.#stopwatch(batch)
    try {
      const result = await job.call(worker, part.resume, onDelta, { signal: abort.signal, onReleased })
      const { decodeMs } = result.timings
      const written = result.usage.completionTokens
      if (stopwatch() !== undefined && decodeMs > 0 && written >= MIN_WRITTEN)
        this.#listeners.onFigure?.(worker.placement, {
          kind: 'decoder',
          decodeTokensPerSecond: (written / decodeMs) * 1000,
        })
      job.take(result, part)
    } catch (thrown) {
      const why = `no token for ${SILENCE_MS / 1000} s`
      part.lost = silent
        ? new TandemError('ENGINE_FAILED', { engine: worker.placement.engine, why })
        : asTandemError(thrown)
      throw part.lost
    } finally {
      clearTimeout(silence)
    }
  }

  /** @returns milliseconds from now; undefined where anything else ran on the worker at the beginning or the end */
  #stopwatch({ id, worker }: Batch): () => number | undefined {
    const isAlone = () =>
      [...this.#state.batches.values()].every((other) => other.id === id || other.worker !== worker)
    const aloneBefore = isAlone()
    const startedMs = performance.now()
    return () => (aloneBefore && isAlone() ? performance.now() - startedMs : undefined)
  }

  #servedBy({ worker, route }: Target, fallback: { from: string; why: string } | undefined): ServedBy {
    const { model, engine, device, simulated } = worker.placement
    const { insteadOf } = route.workers.find((each) => each.worker === worker)?.placement ?? {}
    const from = fallback && this.#workers.get(fallback.from)?.worker.placement
    const told = [
      ...(insteadOf
        ? [`${insteadOf.engine}${insteadOf.device && ` on ${insteadOf.device}`}: ${insteadOf.reason}`]
        : []),
      ...(from ? [`${from.engine} on ${from.device} is ${fallback.why}`] : []),
    ]
    return {
      model,
      engine,
      device,
      simulated,
      ...(told.length > 0 ? { fallback: told.join('; ') } : {}),
    }
  }
}

interface Target {
  readonly worker: Worker
  route: Route
  /** Hears no more of the worker. */
  readonly off: () => void
}

interface Call {
  readonly batch: Batch
  readonly worker: Worker
  readonly served: ServedBy
  readonly abort: AbortController
  readonly onReleased: () => void
}

function lanesOf(routes: Routes, limits: Limits): LaneSpec[] {
  return routes.all.map((route) => ({
    id: route.id,
    merges: route.task !== 'chat',
    batchTokens: batchTokensOf(routes.model(route.model)?.parameters ?? 0, limits),
    workers: route.workers.map(({ worker, placement }) => ({
      id: worker.id,
      overflow: placement.role === 'overflow',
    })),
  }))
}

function batchTokensOf(parameters: number, { batchTokens }: Limits): number {
  const share = Math.min(1, FULL_BATCH_PARAMETERS / Math.max(1, parameters))
  return Math.max(Math.min(MIN_BATCH_TOKENS, batchTokens), Math.floor(batchTokens * share))
}

function faultOf(error: TandemError): Fault {
  if (error.code === 'WORKER_LOST' || error.code === 'DEADLINE' || error.code === 'STARTING') return 'worker'
  return ENGINE_FAULTS.includes(error.code) || error.code === 'CANNOT_CONTINUE' ? 'engine' : 'input'
}
