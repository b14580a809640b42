import {
  asTandemError,
  type EmbedOutput,
  type EmbedRequest,
  type ModelLoading,
  TandemError,
} from '../domain/index.ts'
import { checkEmbedOutput } from './check-output.ts'
import type { WorkerInfo } from './contract.ts'
import { HealthWatch } from './health-watch.ts'
import { WorkerHere } from './here.ts'
import type { HostExit, WorkerHost } from './host.ts'
import type { WorkerLimits } from './limits.ts'
import { watchMemory } from './memory-watch.ts'
import type { WorkerOptions } from './options.ts'
import { memoryKills, tellsOfMemory } from './out-of-memory.ts'
import { type CallSpec, PendingCalls } from './pending-calls.ts'
import { type ProcessOptions, WorkerProcess } from './process.ts'
import { WorkerThread } from './thread.ts'
import { threadEnv } from './thread-env.ts'
import type { FromChild, LoadOrder } from './wire.ts'

export interface LifeHandlers {
  /** More of the model is in memory. */
  onLoading(loading: ModelLoading): void
  /** The model answered once, and was admitted. */
  onReady(info: WorkerInfo): void
  /** Called once, when the process has ended; `error` says why. `killed`: see `WorkerEvent`. */
  onGone(error: TandemError, killed: boolean): void
}

/** How the process of a worker is started. */
export function processOptions(
  { spec, env, background }: WorkerOptions,
  limits: WorkerLimits,
): ProcessOptions {
  return {
    env: { ...threadEnv(spec.threads), ...env },
    outputChars: limits.outputChars,
    background: background ?? false,
  }
}

export function loadOrder({ placement, spec, modulePath }: WorkerOptions): LoadOrder {
  return { engine: placement.engine, spec, ...(modulePath ? { modulePath } : {}) }
}

/** One process, or what stands for it, of a worker from its start to its end: loads, answers calls, and is ended when it hangs or takes too much. */
export class Life {
  readonly exited: Promise<void>
  /** Processor time that it has used, in milliseconds. */
  cpuMs = 0
  readonly #startedMs = performance.now()
  #progress: number | undefined
  readonly #worker: string
  readonly #options: WorkerOptions
  readonly #handlers: LifeHandlers
  readonly #host: WorkerHost
  readonly #calls: PendingCalls
  readonly #health: HealthWatch
  readonly #startTimer: NodeJS.Timeout
  readonly #memoryKills = memoryKills()
  #endMemoryWatch = () => {}
  /** Why the process is about to be ended, or failed to load: better known than its exit code. */
  #failure: TandemError | undefined
  #isGone = false

  constructor(worker: string, options: WorkerOptions, limits: WorkerLimits, handlers: LifeHandlers) {
    this.#worker = worker
    this.#options = options
    this.#handlers = handlers
    this.#health = new HealthWatch(limits, {
      observe: () => ({ calls: this.#calls.health(), progressMs: this.#calls.progressMs }),
      probe: () => this.#host.send({ type: 'ping' }),
      hung: (why) => this.kill(`it hangs: ${why}`),
    })
    this.#host = this.#take(limits)
    this.exited = this.#host.exited
    this.#calls = new PendingCalls(
      (message) => this.#host.send(message),
      () => this.#health.nowMs(),
    )
    const timeoutMs = limits.startTimeoutMs
    this.#startTimer = setTimeout(() => this.kill(`not ready after ${timeoutMs} ms`), timeoutMs)
    const { pid } = this.#host
    const { memoryLimitBytes } = options
    if (pid !== undefined && memoryLimitBytes !== undefined)
      this.#endMemoryWatch = watchMemory(pid, memoryLimitBytes, limits.memoryWatchMs, (bytes) =>
        this.end(
          this.#outOfMemory(`its process has ${mib(bytes)} MiB, ${mib(memoryLimitBytes)} are allowed`),
        ),
      )
    this.#host.send({ type: 'load', ...loadOrder(options) })
  }

  get loading(): ModelLoading {
    const ms = performance.now() - this.#startedMs
    return this.#progress === undefined ? { ms } : { ms, progress: this.#progress }
  }

  /** Calls that the process has. */
  get size(): number {
    return this.#calls.size
  }

  call<T>(spec: CallSpec<T>): Promise<T> {
    const answer = this.#calls.start(spec)
    this.#health.begin()
    return answer
  }

  setThreads(threads: number): void {
    this.#host.send({ type: 'setThreads', threads })
  }

  /** Ends the process as one that was lost. */
  kill(why: string): void {
    this.end(new TandemError('WORKER_LOST', { worker: this.#worker, why }))
  }

  /** Ends the process at once; `error` is why, unless that is known already. */
  end(error: TandemError): void {
    this.#failure ??= error
    this.#host.kill()
  }

  /** Asks the process to end, and ends it after `graceMs`. Its calls have failed by then with `error`. */
  async stop(graceMs: number, error: TandemError): Promise<void> {
    this.#failure ??= error
    this.#calls.failAll(error)
    this.#host.send({ type: 'stop' })
    const timer = setTimeout(() => this.#host.kill(), Math.max(0, graceMs))
    await this.exited
    clearTimeout(timer)
  }

  #take(limits: WorkerLimits): WorkerHost {
    const handlers = {
      onMessage: (message: FromChild) => this.#heard(message),
      onOutput: (text: string) => this.#options.onOutput?.(text),
      onGarbage: (why: string) => this.kill(`it wrote garbage to its channel: ${why}`),
      onExit: (exit: HostExit) => this.#gone(exit),
    }
    const options = processOptions(this.#options, limits)
    const { runsIn } = this.#options
    if (runsIn === 'thread') return new WorkerThread(options, handlers)
    if (runsIn === 'here') return new WorkerHere(handlers)
    const spare = this.#options.standbys?.take(options, loadOrder(this.#options))
    if (!spare) return new WorkerProcess(options, handlers)
    spare.handOver(handlers)
    return spare
  }

  #heard(message: FromChild): void {
    if (this.#isGone || this.#failure) return
    switch (message.type) {
      case 'ready': {
        const { pid } = this.#host
        void this.#loaded({ ...(pid === undefined ? {} : { pid }), ...message.info })
        return
      }
      case 'loading':
        this.#progress = message.progress
        this.#handlers.onLoading(this.loading)
        return
      case 'loadFailed':
        this.end(TandemError.fromWire(message.error))
        return
      case 'pong':
        this.#health.answered()
        return
      case 'usage':
        this.cpuMs = message.cpuMs
        return
      default:
        this.#calls.heard(message)
    }
  }

  async #loaded(info: WorkerInfo): Promise<void> {
    try {
      await this.#admit(info)
    } catch (thrown) {
      if (!this.#isGone) this.end(asTandemError(thrown))
      return
    }
    if (this.#isGone || this.#failure) return // it ended meanwhile
    clearTimeout(this.#startTimer)
    this.#handlers.onReady(info)
  }

  async #admit({ dimensions }: WorkerInfo): Promise<void> {
    const { engine, model } = this.#options.placement
    await this.#options.admit?.((inputs): Promise<EmbedOutput> => {
      const request: EmbedRequest = { model, inputs, purpose: 'passage' }
      return this.call({
        body: { method: 'embed', request, priority: 'interactive' },
        options: {},
        check: (value) => checkEmbedOutput(value, { inputs: inputs.length, engine, width: dimensions }),
      })
    })
  }

  #gone(exit: HostExit): void {
    const { why } = exit
    this.#isGone = true
    clearTimeout(this.#startTimer)
    this.#endMemoryWatch()
    this.#health.stop()
    const lost = (reason: string) => new TandemError('WORKER_LOST', { worker: this.#worker, why: reason })
    const memory = this.#wasMemory(exit)
    const error = this.#failure ?? (memory === true ? this.#outOfMemory(why) : lost(why))
    this.#handlers.onGone(error, !this.#failure && exit.killedByOthers && memory === false)
    this.#calls.failAll(error.code === 'WORKER_LOST' ? error : lost(error.message))
  }

  /** @returns undefined where the system does not tell */
  #wasMemory({ output, killedByOthers }: HostExit): boolean | undefined {
    if (!killedByOthers) return tellsOfMemory(output)
    const [before, now] = [this.#memoryKills, memoryKills()]
    return before === undefined || now === undefined ? undefined : now > before
  }

  #outOfMemory(why: string): TandemError {
    const { device, model } = this.#options.placement
    return new TandemError('DEVICE_OUT_OF_MEMORY', { device, model, why })
  }
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}
