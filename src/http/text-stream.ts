/** A streamed answer over the raw response: one write per piece, bounded by what the reader leaves unread. */
import type { FastifyReply } from 'fastify'
import { TandemError } from '../domain/index.ts'
import type { Exchange } from './exchange.ts'
import { headerText } from './served-by.ts'

/** How the pieces of a stream are told apart. */
export interface StreamForm {
  readonly contentType: string
  /** Shows that the stream lives; where the form has room for it, why. */
  comment(text: string): string
}

/** Server-sent events. */
export const SSE: StreamForm = {
  contentType: 'text/event-stream; charset=utf-8',
  comment: (text) => `: ${headerText(text)}\n\n`,
}

/** A JSON value on each line: it has no comments, but a space before a value means nothing. */
export const NDJSON: StreamForm = { contentType: 'application/x-ndjson', comment: () => ' ' }

/** Bytes that may wait for a slow reader; then its stream ends with an error. */
export const MAX_UNREAD_BYTES = 4 * 1024 * 1024

/** An ended stream whose reader takes nothing for so many milliseconds is cut. */
const LAST_READ_MS = 10_000
/** Milliseconds after which an ended stream is cut, however steadily it is read. */
const LAST_READ_MAX_MS = 120_000

export interface StreamOptions {
  /** Default: server-sent events. */
  readonly form?: StreamForm
  readonly maxUnread?: number
  readonly lastReadMs?: number
}

export class TextStream {
  readonly #reply: Pick<FastifyReply, 'raw' | 'header' | 'getHeaders' | 'hijack'>
  readonly #exchange: Exchange
  readonly #form: StreamForm
  readonly #maxUnread: number
  readonly #lastReadMs: number
  #started = false
  #lastWriteMs = performance.now()

  constructor(
    reply: Pick<FastifyReply, 'raw' | 'header' | 'getHeaders' | 'hijack'>,
    exchange: Exchange,
    { form = SSE, maxUnread = MAX_UNREAD_BYTES, lastReadMs = LAST_READ_MS }: StreamOptions = {},
  ) {
    this.#reply = reply
    this.#exchange = exchange
    this.#form = form
    this.#maxUnread = maxUnread
    this.#lastReadMs = lastReadMs
  }

  /** Whether the head is out: from then on an error can only be a piece of it. */
  get started(): boolean {
    return this.#started
  }

  /** Milliseconds since it last said something, or was made. */
  get silentMs(): number {
    return performance.now() - this.#lastWriteMs
  }

  comment(text: string): void {
    this.write(this.#form.comment(text))
  }

  /** Writes complete pieces; the head goes out with the first. Aborts the exchange when too much waits. */
  write(pieces: string): void {
    const raw = this.#reply.raw
    const isFirst = !this.#started
    if (isFirst) this.#start()
    if (raw.writableEnded || raw.destroyed) return
    this.#lastWriteMs = performance.now()
    if (isFirst) {
      raw.cork()
      raw.write(pieces)
      raw.uncork() // leaves now, not after all that this turn of the event loop still does
    } else raw.write(pieces)
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
    this.#reply.header('content-type', this.#form.contentType)
    this.#reply.header('cache-control', 'no-cache')
    this.#reply.header('x-accel-buffering', 'no') // reverse proxies pass pieces on at once
    this.#reply.hijack()
    this.#reply.raw.writeHead(200, this.#reply.getHeaders() as Record<string, string>)
  }
}
