import { asTandemError, type EngineDescriptor, type LayerTime, TandemError } from '../../domain/index.ts'
import type { EncoderSession, TokenRow } from './session.ts'

/** A session that is let go of once; what it throws names the engine. */
export class OwnedSession {
  readonly #engine: EngineDescriptor
  readonly #session: EncoderSession
  #disposed = false

  constructor(engine: EngineDescriptor, session: EncoderSession) {
    this.#engine = engine
    this.#session = session
  }

  get inFlight(): number | undefined {
    return this.#session.inFlight
  }

  /** @throws TandemError CANCELLED, ENGINE_FAILED */
  async run(
    rows: readonly TokenRow[],
    take: Parameters<EncoderSession['run']>[1],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#guarded(() => this.#session.run(rows, take, signal))
  }

  /** @throws TandemError INVALID_REQUEST (the engine cannot, or was not loaded for it), ENGINE_FAILED */
  profile(row: TokenRow): Promise<LayerTime[]> {
    return this.#guarded(async () => {
      if (this.#session.profile) return this.#session.profile(row)
      const what = `${this.#engine.title} does not time the layers of a model`
      throw new TandemError('INVALID_REQUEST', { what })
    })
  }

  /** @throws TandemError ENGINE_FAILED */
  async setThreads(threads: number): Promise<void> {
    await this.#guarded(async () => this.#session.setThreads?.(threads))
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (this.#disposed) throw new Error('the model was unloaded')
      return await work()
    } catch (error) {
      throw asTandemError(error, 'ENGINE_FAILED', { engine: this.#engine.title })
    }
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    await this.#session.dispose()
  }
}
