/** Server-sent events over the raw response: one write per event, bounded by what the reader leaves unread. */
import type { FastifyReply } from 'fastify'
import { TandemError } from '../domain/index.ts'
import type { Exchange } from './exchange.ts'

/** Bytes that may wait for a slow reader; then its stream ends with an error. */
export const MAX_UNREAD_BYTES = 4 * 1024 * 1024

/** An ended stream whose reader takes nothing for so many milliseconds is cut. */
const LAST_READ_MS = 10_000
/** Milliseconds after which an ended stream is cut, however steadily it is read. */
const LAST_READ_MAX_MS = 120_000

export interface SseBounds {
  readonly maxUnread?: number
  readonly lastReadMs?: number
}

export class SseStream {
  readonly #reply: Pick<FastifyReply, 'raw' | 'header' | 'getHeaders' | 'hijack'>
  readonly #exchange: Exchange
  readonly #maxUnread: number
  readonly #lastReadMs: number
  #started = false
  #lastWriteMs = performance.now()

  constructor(
    reply: Pick<FastifyReply, 'raw' | 'header' | 'getHeaders' | 'hijack'>,
    exchange: Exchange,
    { maxUnread = MAX_UNREAD_BYTES, lastReadMs = LAST_READ_MS }: SseBounds = {},
  ) {
    this.#reply = reply
    this.#exchange = exchange
    this.#maxUnread = maxUnread
    this.#lastReadMs = lastReadMs
  }

  /** Whether the head is out: from then on an error can only be an event. */
  get started(): boolean {
    return this.#started
  }

  /** Milliseconds since it last said something, or was made. */
  get silentMs(): number {
    return performance.now() - this.#lastWriteMs
  }

  /** Writes complete events; the head goes out with the first. Aborts the exchange when too much waits. */
  write(events: string): void {
    const raw = this.#reply.raw
    if (!this.#started) this.#start()
    if (raw.writableEnded || raw.destroyed) return
    this.#lastWriteMs = performance.now()
    raw.write(events)
    if (raw.writableLength > this.#maxUnread && !this.#exchange.signal.aborted)
      this.#exchange.abort(new TandemError('SLOW_READER', { limit: this.#maxUnread }))
  }

  /** A slow reader gets the rest as long as it reads; one that has stopped holds no memory. */
  end(): void {
    const raw = this.#reply.raw
    if (raw.writableEnded || raw.destroyed) return
    raw.end()
    if (raw.writableLength === 0) return
    raw.setTimeout(this.#lastReadMs, () => raw.destroy()) // not while bytes leave
    const timer = setTimeout(() => raw.destroy(), LAST_READ_MAX_MS)
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
