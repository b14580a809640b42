import {
  ENGINE_FAULTS,
  type ErrorCode,
  type ModelLoading,
  placementId,
  TandemError,
  type WorkerState,
} from '../domain/index.ts'
import { answered, type Breaker, becameReady, CLOSED, crashed, started } from './breaker.ts'
import type { WorkerEvent, WorkerInfo } from './contract.ts'
import { Life, loadOrder, processOptions } from './life.ts'
import { DEFAULT_LIMITS, type WorkerLimits } from './limits.ts'
import type { WorkerOptions } from './options.ts'
import type { CallSpec } from './pending-calls.ts'

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

/** Owns one placement over all lives of its process; the only place that decides about them. */
export class Supervisor {
  readonly id: string
  readonly #options: WorkerOptions
  readonly #limits: WorkerLimits
  readonly #listeners = new Set<(event: WorkerEvent) => void>()
  readonly #loadListeners = new Set<(loading: ModelLoading) => void>()
  #readyWaiters: { resolve: (info: WorkerInfo) => void; reject: (error: TandemError) => void }[] = []
  #isLast: boolean
  #threads: number
  #resting = false
  /** Processor time of earlier lives. */
  #spentMs = 0
  /** The life of a worker that rests, until it has ended. */
  #leaving: Life | undefined
  #phase: Phase = 'starting'
  #info: WorkerInfo | undefined
  #life: Life | undefined
  #breaker: Breaker = CLOSED
  #restartTimer: NodeJS.Timeout | undefined
  #standbyTimer: NodeJS.Timeout | undefined
  #failuresInRow = 0
  /** Why it has stopped for good. */
  #ended: TandemError | undefined
  #stopping: Promise<void> | undefined

  constructor(options: WorkerOptions) {
    this.id = placementId(options.placement)
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
    return this.#phase === 'ready' && this.#life && this.#life.size > 0 ? 'busy' : this.#phase
  }

  get info(): WorkerInfo | undefined {
    return this.#info
  }

  get loading(): ModelLoading | undefined {
    const loads = this.#phase !== 'ready' && this.#phase !== 'stopped'
    return loads ? this.#life?.loading : undefined
  }

  get cpuMs(): number {
    return this.#spentMs + (this.#life?.cpuMs ?? 0)
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
    if (this.#phase === 'stopped') return Promise.reject(this.#ended ?? new TandemError('SHUTTING_DOWN'))
    return new Promise((resolve, reject) => this.#readyWaiters.push({ resolve, reject }))
  }

  onEvent(listener: (event: WorkerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onLoading(listener: (loading: ModelLoading) => void): () => void {
    this.#loadListeners.add(listener)
    return () => this.#loadListeners.delete(listener)
  }

  setLastPlacement(isLast: boolean): void {
    this.#isLast = isLast
    if (isLast) this.#planStandby()
    else this.#leaveStandby()
  }

  /** @throws TandemError STARTING, QUEUE_FULL, SHUTTING_DOWN, why it stopped for good, or what the call fails of */
  call<T>(spec: CallSpec<T>): Promise<T> {
    const refuse = (error: TandemError) => {
      spec.options.onReleased?.()
      return Promise.reject(error)
    }
    const life = this.#life
    if (this.#phase !== 'ready' || !life)
      return refuse(
        this.#phase === 'stopped' && !this.#resting
          ? (this.#ended ?? new TandemError('SHUTTING_DOWN'))
          : new TandemError('STARTING', { what: this.id }, { retryAfterS: 2 }),
      )
    if (life.size >= this.#limits.maxCalls) {
      const { device } = this.#options.placement
      return refuse(new TandemError('QUEUE_FULL', { device, waiting: life.size }, { retryAfterS: 1 }))
    }
    return this.#judged(life, life.call(spec))
  }

  setThreads(threads: number): void {
    if (threads === this.#threads) return
    this.#threads = threads
    this.#life?.setThreads(threads)
    this.#leaveStandby() // one with other threads
    if (this.#phase === 'ready') this.#planStandby()
  }

  unloaded(): Promise<void> {
    return this.#leaving?.exited ?? Promise.resolve()
  }

  rest(): boolean {
    const life = this.#life
    if (this.#phase !== 'ready' || !life || life.size > 0) return false
    this.#spentMs = this.cpuMs
    this.#life = undefined
    this.#info = undefined
    this.#resting = true
    this.#leaving = life
    this.#leaveStandby()
    void life.stop(REST_GRACE_MS, new TandemError('STARTING', { what: this.id }))
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
    const stopped = new TandemError('SHUTTING_DOWN')
    if (graceMs <= 0) for (const life of [this.#life, this.#leaving]) life?.end(stopped) // a second, harder stop
    this.#stopping ??= this.#stop(graceMs, stopped)
    return this.#stopping
  }

  async #stop(graceMs: number, stopped: TandemError): Promise<void> {
    const answering = this.#phase === 'ready'
    clearTimeout(this.#restartTimer)
    this.#leaveStandby()
    this.#endForGood(stopped)
    const life = this.#life
    await this.#leaving?.exited
    if (!life) return
    if (!answering) life.end(stopped) // a load cannot be interrupted
    await life.stop(graceMs, stopped)
  }

  /** A device whose driver is lost fails every call while its process lives on; one that lacks memory may be mended by a new one. */
  async #judged<T>(life: Life, call: Promise<T>): Promise<T> {
    try {
      const value = await call
      if (life === this.#life) {
        this.#failuresInRow = 0
        this.#breaker = answered(this.#breaker)
      }
      return value
    } catch (thrown) {
      if (thrown instanceof TandemError && ENGINE_FAULTS.includes(thrown.code)) this.#failed(life, thrown)
      throw thrown
    }
  }

  #failed(life: Life, error: TandemError): void {
    if (life !== this.#life) return
    this.#failuresInRow += 1
    if (error.code === 'DEVICE_OUT_OF_MEMORY') life.end(error)
    else if (this.#breaker.mode === 'halfOpen')
      life.kill(`its first call after a quarantine failed: ${error.message}`)
    else if (this.#failuresInRow >= this.#limits.failuresInRow)
      life.kill(`${this.#failuresInRow} failures in a row: ${error.message}`)
  }

  #start(): void {
    this.#failuresInRow = 0
    this.#breaker = started(this.#breaker)
    const life: Life = new Life(this.id, this.#nextOptions(), this.#limits, {
      onLoading: (loading) => {
        if (this.#life === life) for (const listener of this.#loadListeners) listener(loading)
      },
      onReady: (info) => this.#life === life && this.#becameReady(info),
      onGone: (error, killed) => this.#life === life && this.#gone(error, killed),
    })
    this.#life = life
  }

  /** With the threads that it has by now; what it reads at once stays as it began. */
  #nextOptions(): WorkerOptions {
    const { spec } = this.#options
    const { blockThreads = spec.threads } = spec
    return { ...this.#options, spec: { ...spec, threads: this.#threads, blockThreads } }
  }

  #becameReady(info: WorkerInfo): void {
    if (this.#stopping) return
    this.#info = info
    this.#breaker = becameReady(this.#breaker, performance.now())
    this.#planStandby()
    this.#announce('ready', this.#breaker.mode === 'halfOpen' ? { probing: true } : {})
    for (const waiter of this.#readyWaiters.splice(0)) waiter.resolve(info)
  }

  /** The process has ended, for whatever reason. */
  #gone(error: TandemError, killed: boolean): void {
    this.#spentMs = this.cpuMs
    this.#life = undefined
    this.#info = undefined
    clearTimeout(this.#standbyTimer)
    if (this.#stopping) return
    if (FOR_GOOD.includes(error.code)) {
      this.#leaveStandby()
      this.#endForGood(error)
      return
    }
    const crash = {
      nowMs: performance.now(),
      outOfMemory: error.code === 'DEVICE_OUT_OF_MEMORY',
      lastPlacement: this.#isLast,
      random: Math.random(),
    }
    const { breaker, delayMs } = crashed(this.#breaker, crash, this.#limits)
    this.#breaker = breaker
    const quarantined = breaker.mode === 'open'
    const retryInMs = Math.round(delayMs)
    this.#announce(quarantined ? 'quarantined' : 'restarting', { error, retryInMs, killed })
    if (quarantined || breaker.crashesMs.length >= this.#limits.quarantineAfter) this.#refuseWaiters(error)
    this.#restartTimer = setTimeout(() => this.#start(), delayMs)
  }

  /** Where nothing else serves the task, the next life is prepared while this one answers. */
  #planStandby(): void {
    const { standbys } = this.#options
    if (!standbys || this.#options.runsIn || !this.#isLast || this.#phase === 'stopped') return
    clearTimeout(this.#standbyTimer)
    this.#standbyTimer = setTimeout(() => {
      if (this.#life && this.#isLast && !this.#stopping)
        standbys.keep(
          this.id,
          processOptions(this.#nextOptions(), this.#limits),
          loadOrder(this.#nextOptions()),
        )
    }, this.#limits.standbyAfterMs).unref()
  }

  #leaveStandby(): void {
    clearTimeout(this.#standbyTimer)
    this.#options.standbys?.leave(this.id)
  }

  #endForGood(error: TandemError): void {
    this.#ended = error
    this.#announce('stopped', { error })
    this.#refuseWaiters(error)
  }

  #announce(phase: Phase, more: Omit<WorkerEvent, 'state'> = {}): void {
    this.#phase = phase
    for (const listener of this.#listeners) listener({ state: phase, ...more })
  }

  #refuseWaiters(error: TandemError): void {
    for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(error)
  }
}
