import type { ClientRequest, IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { TandemError } from '../../domain/index.ts'
import { apiKeyOf } from './api-key.ts'
import { readEvents } from './http/events.ts'
import { placeOf } from './http/place.ts'
import { refusal } from './http/refusal.ts'
import { SpareConnection } from './http/spare-connection.ts'
import { ask, type Target, textOf } from './http/transport.ts'
import { type PassingRefusal, softwareOf } from './servers/index.ts'
import type { ServerSettings } from './settings.ts'

/** Many times the vectors of one request; a larger answer would hold up whoever reads it. */
const MAX_BYTES = 32 * 1024 * 1024
const MAX_ERROR_BYTES = 64 * 1024
const PASSING_LOOK_MS = 100
const BROKE_OFF = 'its stream ended in the middle of the answer'

/** Speaks to one server; what goes wrong is an error of ours that names the server. */
export class ServerClient {
  readonly name: string
  readonly #target: Target
  readonly #passing: PassingRefusal | undefined
  readonly #open = new Set<ClientRequest>()
  #disposed = false
  #onRefused: ((why: string) => void) | undefined

  /** @param key its API key */
  constructor({ server }: ServerSettings, key: string | undefined) {
    this.name = `${server.name} (${server.url})`
    this.#passing = softwareOf(server.kind).passing
    const isPlain = server.local && server.url.startsWith('http:')
    const spare = isPlain ? new SpareConnection(server.url) : undefined
    this.#target = { url: server.url, place: placeOf(server.url), key, spare, open: this.#open }
  }

  /** @throws TandemError ENGINE_FAILED, INVALID_REQUEST, CONTEXT_LENGTH_EXCEEDED, CANCELLED */
  async json<S extends z.ZodType>(
    path: string,
    schema: S,
    { body, signal, headMs }: { body?: unknown; signal: AbortSignal; headMs?: number },
  ): Promise<z.infer<S>> {
    const text = await this.#guard(signal, async () => {
      const answer = await this.#answer(path, body, signal, headMs)
      return textOf(answer, MAX_BYTES)
    })
    return this.#parse(path, schema, text)
  }

  /** Asks for a stream, and hands each of its events to `take`, whose `true` ends it as `[DONE]` does. Same errors. */
  async stream<S extends z.ZodType>(
    path: string,
    schema: S,
    body: unknown,
    signal: AbortSignal,
    take: (event: z.infer<S>) => boolean,
  ): Promise<void> {
    await this.#guard(signal, async () => {
      const answer = await this.#answer(path, body, signal)
      await readEvents(answer, (data) => {
        if (data === '[DONE]') return true
        const said: unknown = this.#object(path, data)
        if (typeof said === 'object' && said !== null && 'error' in said) throw refusal(this.name, 500, data)
        return take(this.#checked(path, schema, said))
      })
    })
  }

  /** From now on a refused connection means that the server is gone: whoever asked need not wait until that is noticed. */
  watchRefusals(onRefused: (why: string) => void): void {
    this.#onRefused = onRefused
  }

  /** Ends what goes on; whatever is asked later fails. */
  dispose(): void {
    this.#disposed = true
    for (const request of this.#open) request.destroy()
    this.#target.spare?.close()
  }

  brokeOff(): TandemError {
    return this.failed(BROKE_OFF)
  }

  /** As a worker's: what wrote the answer is gone, and the same server may write on once it is back. */
  lostWriter(): TandemError {
    return new TandemError('WORKER_LOST', {
      worker: this.name,
      why: BROKE_OFF,
    })
  }

  async #answer(path: string, body: unknown, signal: AbortSignal, headMs?: number): Promise<IncomingMessage> {
    for (let waitedMs = 0; ; waitedMs += PASSING_LOOK_MS) {
      const answer = await ask(this.#target, {
        path,
        body,
        signal,
        ...(headMs === undefined ? {} : { headMs }),
      })
      const { statusCode: status = 0 } = answer
      if (status >= 200 && status < 300) return answer
      const text = await textOf(answer, MAX_ERROR_BYTES)
      if (!this.#passes(status, text, waitedMs)) throw refusal(this.name, status, text)
      await sleep(PASSING_LOOK_MS, undefined, { signal })
    }
  }

  #passes(status: number, text: string, waitedMs: number): boolean {
    if (!this.#passing || this.#disposed) return false
    const { status: its, words, lastsMs } = this.#passing
    return status === its && words.test(text) && waitedMs < lastsMs
  }

  async #guard<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#disposed) throw this.failed('it was let go of')
    if (signal.aborted) throw new TandemError('CANCELLED')
    try {
      return await work()
    } catch (thrown) {
      if (signal.aborted) throw new TandemError('CANCELLED', {}, { cause: thrown })
      if (thrown instanceof TandemError) throw thrown
      if (this.#disposed) throw this.failed('it was let go of', thrown)
      if ((thrown as NodeJS.ErrnoException).code === 'ECONNREFUSED')
        this.#onRefused?.((thrown as Error).message)
      throw this.failed((thrown as Error).message || String((thrown as NodeJS.ErrnoException).code), thrown)
    }
  }

  #parse<S extends z.ZodType>(path: string, schema: S, text: string): z.infer<S> {
    return this.#checked(path, schema, this.#object(path, text))
  }

  #object(path: string, text: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      throw this.failed(`${path} gave no JSON: ${text.slice(0, 100)}`)
    }
  }

  #checked<S extends z.ZodType>(path: string, schema: S, value: unknown): z.infer<S> {
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw this.failed(`${path} gave something else: ${issue?.path.join('.')} ${issue?.message}`)
  }

  /** @param why one clause */
  failed(why: string, cause?: unknown): TandemError {
    return new TandemError('ENGINE_FAILED', { engine: 'openai', why: `${this.name}: ${why}` }, { cause })
  }
}

/** A client with the server's API key, from where the configuration says that it is. @throws TandemError ENGINE_FAILED; the signal's reason */
export async function openClient(
  settings: ServerSettings,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<ServerClient> {
  const { server } = settings
  try {
    return new ServerClient(settings, await apiKeyOf(server, env, signal))
  } catch (thrown) {
    signal.throwIfAborted()
    const why = `${server.name} (${server.url}): its API key ${(thrown as Error).message}`
    throw new TandemError('ENGINE_FAILED', { engine: 'openai', why })
  }
}
