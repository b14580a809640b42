import { asTandemError, type EngineDescriptor } from '../../domain/index.ts'
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

  /** @throws TandemError CANCELLED, ENGINE_FAILED */
  async run(
    rows: readonly TokenRow[],
    take: Parameters<EncoderSession['run']>[1],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      if (this.#disposed) throw new Error('the model was unloaded')
      await this.#session.run(rows, take, signal)
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
