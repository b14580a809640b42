import type { LiveFigure } from '../calibration/index.ts'
import { asTandemError, type Placement, type ServedBy, type TandemError } from '../domain/index.ts'
import type { ObservedBatch, Observer } from '../telemetry/index.ts'
import type { Worker, WorkerEvent } from '../workers/index.ts'
import { type BatchRun, runChat, runRows, runTurn } from './batch-run.ts'
import {
  type Batch,
  type Effect,
  type Ending,
  type Event,
  initialState,
  type Limits,
  type State,
  step,
} from './core/index.ts'
import { endingError } from './ending-error.ts'
import { faultOf } from './fault-of.ts'
import type { Job } from './jobs.ts'
import { lanesOf } from './lanes.ts'
import type { Route, Routes } from './routes.ts'
import { servedBy } from './served-by.ts'

/** Batches at an encoder at once: one runs, one is ahead, so that it never waits for IPC. */
const ENCODER_ROOM = 2
/** More are tried, for engines that work on several at once. */
const MAX_ENCODER_ROOM = 4
const TICK_MS = 100
/** A worker that the plan has dropped holds nothing any more: it only has to unload. */
const LEAVE_MS = 2_000

export type Submission = Extract<Event, { type: 'submitted' }>['request']

export type OnFigure = (placement: Placement, figure: LiveFigure) => void

export interface LoopListeners {
  /** The plan has dropped the worker, and it is being stopped. */
  readonly onVacated: (worker: Worker) => void
  readonly onFigure?: OnFigure
  readonly observer: Observer
}

type EventBody = Event extends infer E ? (E extends Event ? Omit<E, 'nowMs'> : never) : never
type Dispatch = Extract<Effect, { type: 'dispatch' }>

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
  /** Why workers can never serve a request that waits for another one. */
  readonly #refusals = new Map<number, TandemError>()
  readonly #answered = new Set<string>()
  /** Where chats broke off that are to go on. */
  readonly #brokeOff = new Map<number, { readonly at: Placement; readonly why: string }>()
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
    const seed = Math.floor(Math.random() * 2 ** 32)
    this.#state = initialState(limits, lanesOf(routes, limits), performance.now(), seed)
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

  /** @param refusal why those that the submission excludes cannot serve it */
  submit(submission: Submission, job: Job, refusal?: TandemError): void {
    this.#jobs.set(submission.id, job)
    if (refusal) this.#refusals.set(submission.id, refusal)
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS)
    this.send({ type: 'submitted', request: submission })
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
    clearInterval(this.#ticker)
    for (const { off } of this.#workers.values()) off()
  }

  /** The ticker of one request serves the next that comes soon. */
  #tick(): void {
    if (this.#jobs.size > 0) {
      this.send({ type: 'ticked' })
      return
    }
    clearInterval(this.#ticker)
    this.#ticker = undefined
  }

  #rest(): void {
    for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }

  #watch(worker: Worker, route: Route): void {
    const before = this.#workers.get(worker.id)
    before?.off()
    if (before && before.worker !== worker) void before.worker.stop(0) // it had stopped for good
    this.#workers.set(worker.id, {
      worker,
      route,
      off: worker.onEvent((event) => this.#heard(worker, route, event)),
    })
    if (worker.info) this.#ready(worker, route)
    else if (worker.resting) this.#lost(worker, { state: 'stopped', resting: true })
  }

  #heard(worker: Worker, route: Route, event: WorkerEvent): void {
    if (event.state === 'ready') this.#ready(worker, route, event.probing)
    else this.#lost(worker, event)
  }

  #ready(worker: Worker, { id, task }: Route, probing = false): void {
    this.#answered.add(id)
    const { slots = 1, maxSlots = slots, resumes } = worker.info ?? {}
    const chat = task === 'chat'
    const room = chat ? slots : ENCODER_ROOM
    // a worker is ready only when its vectors were found to be those of its model's reference
    this.send({
      type: 'workerReady',
      worker: worker.id,
      room,
      maxRoom: chat ? maxSlots : MAX_ENCODER_ROOM,
      resumes,
      proven: true,
      probing,
    })
  }

  #lost(worker: Worker, { state, resting = false, error, killed = false }: WorkerEvent): void {
    if (error) this.#workerErrors.set(worker.id, error)
    const gone = state === 'stopped' && !resting
    this.#tellChats(worker.id, error)
    const why = resting ? 'unloaded' : state
    this.send({ type: 'workerLost', worker: worker.id, why, gone, resting, killed })
    if (resting) void worker.unloaded().then(() => this.send({ type: 'memoryFreed', worker: worker.id }))
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
      case 'retry':
        this.#retried(effect)
        return
      case 'vacated':
        this.#letGo(effect.worker)
        return
      case 'wake':
        this.#workers.get(effect.worker)?.worker.wake()
        return
      case 'rest':
        this.#unload(effect.worker)
        return
      case 'breakerOpened':
      case 'breakerClosed':
        this.#breaker(effect)
        return
      default:
        effect satisfies never
    }
  }

  #retried({ request, worker, fault }: Extract<Effect, { type: 'retry' }>): void {
    const at = this.#workers.get(worker)?.worker.placement
    if (!at || fault === 'unable') return // nothing failed
    const why = fault === 'worker' ? 'lost' : 'failed'
    this.#listeners.observer.retried(at, why)
    const job = this.#jobs.get(request)
    if (job?.kind === 'chat' && job.written > 0) this.#brokeOff.set(request, { at, why })
  }

  #goesOn(request: number | undefined, to: Placement): void {
    const job = this.#jobs.get(request ?? -1)
    const broke = this.#brokeOff.get(request ?? -1)
    if (!broke || job?.kind !== 'chat') return
    this.#brokeOff.delete(request ?? -1)
    this.#listeners.observer.continued({ from: broke.at, to, why: broke.why }, job.written)
  }

  #breaker(effect: Extract<Effect, { type: 'breakerOpened' | 'breakerClosed' }>): void {
    const at = this.#workers.get(effect.worker)?.worker.placement
    if (at) this.#listeners.observer.breaker(at, effect.type === 'breakerOpened' ? effect.forMs : undefined)
  }

  #unload(id: string): void {
    const target = this.#workers.get(id)
    // something beside the queue is asked of it: it serves on, and the core tries again
    if (target && !target.worker.rest()) this.#ready(target.worker, target.route)
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
    this.#brokeOff.delete(id)
    const refusal = this.#refusals.get(id)
    this.#refusals.delete(id)
    try {
      if (ending.how === 'done') job?.done()
      else job?.fail(endingError(ending, this.#routes, this.#batchErrors, this.#workerErrors, refusal))
    } catch (thrown) {
      job?.fail(thrown) // its reader is broken
    }
  }

  async #run({ batch, fallback }: Dispatch): Promise<void> {
    const target = this.#workers.get(batch.worker)
    if (!target) return
    const { observer } = this.#listeners
    const observed = this.#observed(batch, target.worker)
    const startedMs = performance.now()
    this.lastUsedMs.set(batch.worker, startedMs)
    observer.dispatched(observed)
    const from = fallback && this.#workers.get(fallback.from)?.worker.placement
    if (from) observer.fellBack({ from, to: target.worker.placement, why: fallback.why })
    this.#goesOn(batch.parts[0]?.request, target.worker.placement)
    const reason = from && `${from.engine} on ${from.device} is ${fallback.why}`
    const abort = new AbortController()
    this.#aborts.set(batch.id, abort)
    let onReleased = () => {}
    const released = new Promise<void>((resolve) => {
      onReleased = resolve
    })
    const run = this.#batchRun(
      batch,
      target,
      servedBy(target.route, target.worker, reason),
      abort,
      onReleased,
    )
    try {
      const tokens = await perform(run)
      observer.settled(observed, performance.now() - startedMs)
      this.send({ type: 'batchDone', batch: batch.id, tokens })
    } catch (thrown) {
      const error = asTandemError(thrown)
      observer.settled(observed, performance.now() - startedMs, error)
      const failed = faultOf(error, target.route, target.worker)
      this.#batchErrors.set(batch.id, error)
      if (failed.fault === 'unable')
        for (const { request } of batch.parts) if (this.#jobs.has(request)) this.#refusals.set(request, error)
      this.send({ type: 'batchFailed', batch: batch.id, ...failed })
      this.#batchErrors.delete(batch.id)
    }
    await released
    this.lastUsedMs.set(batch.worker, performance.now())
    this.#aborts.delete(batch.id)
    this.send({ type: 'batchReleased', batch: batch.id })
  }

  #batchRun(
    batch: Batch,
    { worker }: Target,
    served: ServedBy,
    abort: AbortController,
    onReleased: () => void,
  ): BatchRun {
    const { onFigure } = this.#listeners
    return {
      batch,
      worker,
      served,
      signal: abort.signal,
      job: (id) => this.#jobs.get(id),
      counts: () => this.#state.batches.get(batch.id)?.settled === false,
      isAlone: () =>
        [...this.#state.batches.values()].every(
          (other) => other.id === batch.id || other.worker !== batch.worker,
        ),
      onBegun: (shown) => this.send({ type: 'firstDelta', batch: batch.id, shown }),
      onBrokenReader: (request) => this.send({ type: 'cancelled', request }),
      onFigure: (placement, figure) => onFigure?.(placement, figure),
      onReleased,
      abort: () => abort.abort(),
    }
  }

  #observed({ parts, priority, twin, sentMs }: Batch, { placement }: Worker): ObservedBatch {
    const waitedMs: number[] = []
    let inputs = 0
    for (const part of parts) {
      inputs += part.inputs.length
      const request = this.#state.requests.get(part.request)
      const first = request && request.tries === 0 && request.running === 1 && twin === undefined
      if (first) waitedMs.push(sentMs - request.submittedMs)
    }
    return { placement, priority, inputs, waitedMs }
  }
}

/** @returns tokens that a chat wrote */
async function perform(run: BatchRun): Promise<number | undefined> {
  switch (run.job(run.batch.parts[0]?.request ?? -1)?.kind) {
    case 'chat':
      return runChat(run)
    case 'rows':
      await runRows(run)
      return undefined
    case 'turn':
      await runTurn(run)
      return undefined
    default:
      run.onReleased()
      return undefined
  }
}

interface Target {
  readonly worker: Worker
  route: Route
  /** Hears no more of the worker. */
  readonly off: () => void
}
