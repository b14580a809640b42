/** Server-sent events over the raw response: one write per event, bounded by what the reader leaves unread. */
import type { FastifyReply } from 'fastify'
import { TandemError } from '../domain/index.ts'
import type { Exchange } from './exchange.ts'

/** Bytes that may wait for a slow reader; then its stream ends with an error. */
export const MAX_UNREAD_BYTES = 4 * 1024 * 1024

/** Milliseconds that an ended stream gets to be read to its end. */
const LAST_READ_MS = 5_000

export class SseStream {
  readonly #reply: FastifyReply
  readonly #exchange: Exchange
  readonly #maxUnread: number
  #started = false

  constructor(reply: FastifyReply, exchange: Exchange, maxUnread: number = MAX_UNREAD_BYTES) {
    this.#reply = reply
    this.#exchange = exchange
    this.#maxUnread = maxUnread
  }

  /** Whether the head is out: from then on an error can only be an event. */
  get started(): boolean {
    return this.#started
  }

  /** Writes complete events; the head goes out with the first. Aborts the exchange when too much waits. */
  write(events: string): void {
    const raw = this.#reply.raw
    if (!this.#started) this.#start()
    if (raw.writableEnded || raw.destroyed) return
    raw.write(events)
    if (raw.writableLength > this.#maxUnread && !this.#exchange.signal.aborted)
      this.#exchange.abort(new TandemError('SLOW_READER', { limit: this.#maxUnread }))
  }

  end(): void {
    const raw = this.#reply.raw
    if (raw.writableEnded || raw.destroyed) return
    raw.end()
    const timer = setTimeout(() => raw.destroy(), LAST_READ_MS)
    raw.once('close', () => clearTimeout(timer))
  }

  #start(): void {
    this.#started = true
    this.#reply.header('content-type', 'text/event-stream; charset=utf-8')
    this.#reply.header('cache-control', 'no-cache')
    this.#reply.header('x-accel-buffering', 'no') // reverse proxies pass events on at once
    this.#reply.hijack()
    this.#reply.raw.writeHead(200, this.#reply.getHeaders() as Record<string, string>)
  }
}
