import { asTandemError, type EngineId, TandemError } from '../../domain/index.ts'
import type { LayerTime, LoadedDecoder, LoadedEncoder } from '../../engines/contract.ts'
import type { CallBody, FromChild } from '../wire.ts'
import { Turns } from './turns.ts'

/** Answers calls on the loaded model; each call ends with exactly one `result` or `error`. */
export class Calls {
  readonly #turns = new Turns()
  readonly #aborts = new Map<number, AbortController>()
  readonly #loaded: LoadedEncoder | LoadedDecoder
  readonly #engine: EngineId
  readonly #send: (message: FromChild) => void

  constructor(loaded: LoadedEncoder | LoadedDecoder, engine: EngineId, send: (message: FromChild) => void) {
    this.#loaded = loaded
    this.#engine = engine
    this.#send = send
  }

  start(id: number, body: CallBody): void {
    const abort = new AbortController()
    this.#aborts.set(id, abort)
    const work = () => this.#answer(id, body, abort.signal)
    if (body.method === 'embed') this.#turns.add(body.priority, work)
    else if (body.method === 'profile') this.#turns.add('interactive', work)
    else void work()
  }

  cancel(id: number): void {
    this.#aborts.get(id)?.abort()
  }

  cancelAll(): void {
    for (const abort of this.#aborts.values()) abort.abort()
  }

  async #answer(id: number, body: CallBody, signal: AbortSignal): Promise<void> {
    try {
      if (signal.aborted) throw new TandemError('CANCELLED')
      this.#send({ type: 'result', id, value: await this.#run(id, body, signal) })
    } catch (thrown) {
      this.#send({ type: 'error', id, error: this.#toError(thrown, signal).toWire() })
    } finally {
      this.#aborts.delete(id)
    }
  }

  #run(id: number, body: CallBody, signal: AbortSignal): Promise<unknown> {
    switch (body.method) {
      case 'embed':
        return this.#encoder().embed(body.request.inputs, body.request.purpose, signal)
      case 'profile':
        return this.#profile(body.text)
      case 'chat':
        return this.#decoder().chat(body.request, (delta) => this.#send({ type: 'delta', id, delta }), signal)
      case 'complete':
        return this.#decoder().complete(
          body.request,
          (delta) => this.#send({ type: 'delta', id, delta }),
          signal,
        )
      case 'countTokens':
        return this.#decoder().countTokens(body.texts)
      case 'countPrompt':
        return this.#decoder().countPrompt({ messages: body.messages, tools: body.tools })
      default:
        return body satisfies never
    }
  }

  #toError(thrown: unknown, signal: AbortSignal): TandemError {
    if (thrown instanceof TandemError) return thrown
    if (signal.aborted) return new TandemError('CANCELLED', {}, { cause: thrown })
    return asTandemError(thrown, 'ENGINE_FAILED', { engine: this.#engine })
  }

  #encoder(): LoadedEncoder {
    if (this.#loaded.kind === 'encoder') return this.#loaded
    throw new TandemError('INVALID_REQUEST', { what: 'this worker answers chats, it does not embed' })
  }

  async #profile(text: string): Promise<LayerTime[]> {
    const encoder = this.#encoder()
    if (encoder.profile) return encoder.profile(text)
    throw new TandemError('INVALID_REQUEST', { what: `${this.#engine} does not time the layers of a model` })
  }

  #decoder(): LoadedDecoder {
    if (this.#loaded.kind === 'decoder') return this.#loaded
    throw new TandemError('INVALID_REQUEST', { what: 'this worker embeds, it does not answer chats' })
  }
}
