import type { Loaded } from '../../engines/contract.ts'
import type { WorkerInfo } from '../contract.ts'
import type { FromChild, LoadOrder, ToChild } from '../wire.ts'
import { Calls } from './calls.ts'
import { engineError } from './engine-error.ts'
import { importEngine } from './engine-modules.ts'
import { LoadProgress } from './load-progress.ts'
import { warmUp } from './warm-up.ts'

/** Where a service runs: a process or a thread of its own, or the process of whoever asks it. */
export interface ServiceHome {
  /** For a person. @param line without its end */
  output(line: string): void
  /** The service has let go of everything. */
  stopped(): void
  /** The model is gone, see `LoadContext`. */
  lost(why: string, killed: boolean): void
}

/** One engine and the model that it loads, whatever carries the messages to it. */
export class Service {
  readonly #send: (message: FromChild) => void
  readonly #home: ServiceHome
  readonly #ended = new AbortController()
  #loaded: Loaded | undefined
  #calls: Calls | undefined
  /** Other threads than those of the load, told while it went on. */
  #wantedThreads: number | undefined
  #preparing: Promise<void> | undefined

  constructor(send: (message: FromChild) => void, home: ServiceHome) {
    this.#send = send
    this.#home = home
  }

  /** Ends all that goes on, at once; where the service has a process or a thread of its own, the end of that does. */
  abort(): void {
    this.#ended.abort()
    this.#calls?.cancelAll()
  }

  heard(message: ToChild): void {
    switch (message.type) {
      case 'prepare':
        this.#preparing = prepare(message)
        break
      case 'ping':
        this.#send({ type: 'pong' })
        break
      case 'load':
        void this.#load(message)
        break
      case 'call':
        this.#calls?.start(message.id, message.body)
        break
      case 'cancel':
        this.#calls?.cancel(message.id)
        break
      case 'setThreads':
        this.#wantedThreads = message.threads
        this.#calls?.setThreads(message.threads)
        break
      case 'stop':
        void this.#stop()
        break
      default:
        message satisfies never
    }
  }

  async #load(message: LoadOrder): Promise<void> {
    const startedMs = performance.now()
    try {
      await this.#preparing
      const engine = await importEngine(message.engine, message.modulePath)
      const progress = new LoadProgress((share) => this.#send({ type: 'loading', progress: share }))
      const loaded = await engine.load(message.spec, {
        signal: this.#ended.signal,
        onProgress: (share) => progress.heard(share),
        onOutput: (line) => this.#home.output(line),
        onLost: (why, killed) => this.#home.lost(why, killed),
      })
      this.#loaded = loaded
      await warmUp(loaded, message.spec)
      this.#calls = new Calls(loaded, message, this.#send)
      if (this.#wantedThreads !== undefined) this.#calls.setThreads(this.#wantedThreads)
      const loadMs = performance.now() - startedMs
      const { version: engineVersion = engine.version() } = loaded
      this.#send({ type: 'ready', info: { engineVersion, ...sizesOf(loaded), loadMs } })
    } catch (thrown) {
      await this.#loaded?.dispose().catch(() => undefined) // a server may have loaded the model for us
      this.#send({ type: 'loadFailed', error: engineError(thrown, message).toWire() })
    }
  }

  async #stop(): Promise<void> {
    this.#calls?.cancelAll()
    await this.#loaded?.dispose().catch(({ message }: Error) => this.#home.output(message))
    this.#home.stopped()
  }
}

/** What goes wrong here goes wrong again in the load, which tells of it. */
async function prepare(order: LoadOrder): Promise<void> {
  try {
    await (await importEngine(order.engine, order.modulePath)).prepare?.(order.spec)
  } catch {}
}

function sizesOf(model: Loaded): Partial<WorkerInfo> {
  switch (model.kind) {
    case 'encoder':
      return { dimensions: model.dimensions, maxTokens: model.maxTokens }
    case 'scorer':
      return { width: model.width, maxTokens: model.maxTokens }
    case 'decoder':
      return {
        contextTokens: model.contextTokens,
        slots: model.slots,
        images: model.images,
        resumes: model.resumes,
        ...(model.maxSlots === undefined ? {} : { maxSlots: model.maxSlots }),
      }
    default:
      return model satisfies never
  }
}
