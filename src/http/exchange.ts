/** One request being answered: its cancellation, and the count of them that a shutdown waits for. */
import type { ServerResponse } from 'node:http'
import { TandemError } from '../domain/index.ts'

export interface Exchange {
  /** Aborted with a TandemError: CANCELLED (the client left), SHUTTING_DOWN or SLOW_READER. */
  readonly signal: AbortSignal
  abort(reason: TandemError): void
}

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange
  }
}

export class OpenExchanges {
  readonly #open = new Set<Exchange>()
  #onIdle: (() => void) | undefined

  /**
   * Follows the response, not the request: `close` of a request fires as soon as its body was read.
   */
  begin(response: ServerResponse): Exchange {
    const controller = new AbortController()
    const exchange: Exchange = {
      signal: controller.signal,
      abort: (reason) => controller.abort(reason),
    }
    this.#open.add(exchange)
    response.once('close', () => {
      if (!response.writableFinished) controller.abort(new TandemError('CANCELLED'))
      this.#open.delete(exchange)
      if (this.#open.size === 0) this.#onIdle?.()
    })
    return exchange
  }

  /** Resolves with true when nothing is open, or with false after `ms`. */
  async idleWithin(ms: number): Promise<boolean> {
    if (this.#open.size === 0) return true
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms)
      this.#onIdle = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  abortAll(reason: TandemError): void {
    for (const exchange of this.#open) exchange.abort(reason)
  }
}

/** What to tell the client: why the server itself stopped the work, else what was thrown. */
export function causeOf(exchange: Exchange, thrown: unknown): unknown {
  const { aborted, reason } = exchange.signal
  return aborted && reason instanceof TandemError && reason.code !== 'CANCELLED' ? reason : thrown
}
