import { connect, type Socket } from 'node:net'
import { type Place, placeOf } from './place.ts'

/** Servers close a connection that is idle for long: llama-server after 5 s. One of ours goes before. */
const IDLE_MS = 4_000
/** Opening takes a moment, which the first token of the answer that has just begun does not wait for. */
const OPEN_AFTER_MS = 5

/** One connection that stands open before it is needed, for a request that follows soon. */
export class SpareConnection {
  readonly #place: Place
  #spare: { readonly socket: Socket; readonly drop: () => void } | undefined
  #opening: NodeJS.Timeout | undefined

  /** @param url of a server without TLS */
  constructor(url: string) {
    this.#place = placeOf(url)
  }

  /** Opens it soon, unless it stands. */
  openSoon(): void {
    this.#opening ??= setTimeout(() => this.#open(), OPEN_AFTER_MS).unref()
  }

  #open(): void {
    this.#opening = undefined
    if (this.#spare) return
    const socket = this.#connect()
    const drop = () => {
      if (this.#spare?.socket === socket) this.#spare = undefined
      socket.destroy()
    }
    socket.on('error', drop).on('close', drop).setTimeout(IDLE_MS, drop).unref()
    this.#spare = { socket, drop }
  }

  /** The one that stands open, else a new one. */
  take(): Socket {
    if (!this.#spare) return this.#connect()
    const { socket, drop } = this.#spare
    this.#spare = undefined
    // an error is still heard: one that nobody hears would end this process
    return socket.off('close', drop).off('timeout', drop).setTimeout(0).ref()
  }

  close(): void {
    clearTimeout(this.#opening)
    this.#spare?.drop()
  }

  #connect(): Socket {
    const { hostname: host, port } = this.#place
    return connect({ host, port, noDelay: true })
  }
}
