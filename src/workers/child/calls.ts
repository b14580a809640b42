import {
  asTandemError,
  type ChatDelta,
  type ChatRequest,
  type CompletionRequest,
  type LayerTime,
  TandemError,
  traitsOf,
} from '../../domain/index.ts'
import type { Loaded, LoadedDecoder } from '../../engines/contract.ts'
import type { CallBody, FromChild, LoadOrder } from '../wire.ts'
import { engineError } from './engine-error.ts'
import { Turns } from './turns.ts'

/** A call that only says that it goes on says so no more often than this, in milliseconds. */
const PROGRESS_MS = 500

const DOES = { encoder: 'embeds', scorer: 'scores', decoder: 'answers chats' } as const
const DOES_NOT = {
  encoder: 'does not embed',
  scorer: 'does not score',
  decoder: 'does not answer chats',
} as const

/** Answers calls on the loaded model; each call ends with exactly one `result` or `error`. */
export class Calls {
  readonly #turns: Turns
  readonly #aborts = new Map<number, AbortController>()
  readonly #loaded: Loaded
  readonly #order: LoadOrder
  readonly #send: (message: FromChild) => void
  /** The last that were asked for. */
  #threads = 0

  constructor(loaded: Loaded, order: LoadOrder, send: (message: FromChild) => void) {
    this.#loaded = loaded
    this.#turns = new Turns(() => (loaded.kind === 'decoder' ? 1 : (loaded.atOnce ?? 1)))
    this.#order = order
    this.#send = send
  }

  start(id: number, body: CallBody): void {
    const abort = new AbortController()
    this.#aborts.set(id, abort)
    const work = () => this.#answer(id, body, abort.signal)
    if (body.method === 'embed' || body.method === 'score') this.#turns.add(body.priority, work)
    else if (body.method === 'profile') this.#turns.add('interactive', work)
    else void work()
  }

  /** Between two turns of an encoder; a decoder takes them at its next evaluation. */
  setThreads(threads: number): void {
    this.#threads = threads
    const apply = async () => {
      if (threads !== this.#threads) return // told otherwise meanwhile
      try {
        await this.#loaded.setThreads?.(threads)
      } catch (thrown) {
        const { message } = asTandemError(thrown, 'ENGINE_FAILED', { engine: this.#order.engine })
        process.stderr.write(`it keeps its compute threads: ${message}\n`)
      }
    }
    if (this.#loaded.kind === 'decoder') void apply()
    else this.#turns.add('interactive', apply)
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
        return this.#loadedAs('encoder').embed(body.request.inputs, body.request.purpose, signal)
      case 'score':
        return this.#loadedAs('scorer').score(body.request.inputs, signal, body.request.maxTextTokens)
      case 'profile':
        return this.#profile(body.text)
      case 'chat':
        return this.#chatDecoderFor(body.request).chat(
          body.request,
          this.#deltas(id),
          signal,
          this.#progress(id),
        )
      case 'complete':
        return this.#decoderFor(body.request).complete(
          body.request,
          this.#deltas(id),
          signal,
          this.#progress(id),
        )
      case 'countTokens':
        return this.#loadedAs('decoder').countTokens(body.texts)
      case 'countPrompt':
        return this.#loadedAs('decoder').countPrompt({ messages: body.messages, tools: body.tools })
      case 'tokenize':
        return this.#known(this.#loadedAs('decoder').tokenize?.(body.request))
      case 'detokenize':
        return this.#known(this.#loadedAs('decoder').detokenize?.(body.tokens))
      default:
        return body satisfies never
    }
  }

  #toError(thrown: unknown, signal: AbortSignal): TandemError {
    if (signal.aborted && !(thrown instanceof TandemError))
      return new TandemError('CANCELLED', {}, { cause: thrown })
    return engineError(thrown, this.#order)
  }

  #progress(id: number): () => void {
    let saidMs = performance.now()
    return () => {
      const nowMs = performance.now()
      if (nowMs - saidMs < PROGRESS_MS) return
      saidMs = nowMs
      this.#send({ type: 'progress', id })
    }
  }

  #deltas(id: number): (delta: ChatDelta) => void {
    return (delta) => this.#send({ type: 'delta', id, delta })
  }

  /** @throws TandemError CANNOT_CONTINUE: an engine that ignores what was sent would send it twice */
  #decoderFor(request: ChatRequest | CompletionRequest): LoadedDecoder {
    const decoder = this.#loadedAs('decoder')
    const missing = request.resume ? traitsOf(request).filter((each) => !decoder.resumes.includes(each)) : []
    if (missing.length === 0) return decoder
    const why = `it goes on with no ${missing.join(' or ')}`
    throw new TandemError('CANNOT_CONTINUE', { engine: this.#order.engine, why })
  }

  /** @throws TandemError CANNOT_CONTINUE; IMAGES_UNSUPPORTED: an engine that passes over pictures would answer something else */
  #chatDecoderFor(request: ChatRequest): LoadedDecoder {
    const decoder = this.#decoderFor(request)
    if (decoder.images || !traitsOf(request).includes('images')) return decoder
    throw new TandemError('IMAGES_UNSUPPORTED', { model: request.model, engine: this.#order.engine })
  }

  /** @throws TandemError MODEL_CANNOT for an engine that has no answer */
  #known<T>(answer: Promise<T> | undefined): Promise<T> {
    if (answer) return answer
    const { engine, spec } = this.#order
    const why = 'it does not tell the ids of its tokens'
    throw new TandemError('MODEL_CANNOT', { model: spec.model.id, what: 'tokenize', engine, why })
  }

  /** @throws TandemError INVALID_REQUEST when the model does something else */
  #loadedAs<K extends Loaded['kind']>(kind: K): Extract<Loaded, { kind: K }> {
    if (this.#loaded.kind === kind) return this.#loaded as Extract<Loaded, { kind: K }>
    const what = `this worker ${DOES[this.#loaded.kind]}, it ${DOES_NOT[kind]}`
    throw new TandemError('INVALID_REQUEST', { what })
  }

  async #profile(text: string): Promise<LayerTime[]> {
    const encoder = this.#loadedAs('encoder')
    if (encoder.profile) return encoder.profile(text)
    throw new TandemError('INVALID_REQUEST', {
      what: `${this.#order.engine} does not time the layers of a model`,
    })
  }
}
