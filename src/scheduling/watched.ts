import { asTandemError, type ChatResult, type ServedBy } from '../domain/index.ts'
import type { ObservedEnd, ObservedRequest, Observer } from '../telemetry/index.ts'
import type { Rows } from './rows.ts'

/** Tells an observer of one request: admitted and ended, or refused. */
export class Watched {
  readonly #observer: Observer
  readonly #request: ObservedRequest
  readonly #submittedMs = performance.now()
  #admitted = false
  #firstTokenMs: number | undefined

  constructor(observer: Observer, request: ObservedRequest) {
    this.#observer = observer
    this.#request = request
  }

  admitted(): void {
    this.#admitted = true
    this.#observer.admitted(this.#request)
  }

  /** A piece of a chat's answer came. */
  wrote(): void {
    this.#firstTokenMs ??= this.#sinceMs()
  }

  done(result: Rows | ChatResult, by: ServedBy): void {
    this.#observer.ended(this.#request, { ms: this.#sinceMs(), by, ...this.#tokens(result) })
  }

  failed(thrown: unknown): void {
    const error = asTandemError(thrown)
    if (this.#admitted) this.#observer.ended(this.#request, { ms: this.#sinceMs(), error, ...this.#first() })
    else this.#observer.refused(this.#request, error)
  }

  #sinceMs(): number {
    return performance.now() - this.#submittedMs
  }

  #first(): Partial<ObservedEnd> {
    return this.#firstTokenMs === undefined ? {} : { firstTokenMs: this.#firstTokenMs }
  }

  #tokens(result: Rows | ChatResult): Partial<ObservedEnd> {
    if (!('usage' in result)) return { promptTokens: result.tokens.reduce((sum, count) => sum + count, 0) }
    const { promptTokens, completionTokens } = result.usage
    return { promptTokens, completionTokens, ...this.#first() }
  }
}
