// HTTP/1.1 over bare sockets: a client that costs so little that what is measured is the server.
import { once } from 'node:events'
import { connect } from 'node:net'

/** Characters of an answer that hold what comes after its last token. */
const TAIL = 3000

/**
 * The bytes of a POST with a JSON body.
 * @param {string} url @param {string} path @param {unknown} body @param {Record<string, string>} [headers]
 */
export function postBytes(url, path, body, headers = {}) {
  const text = JSON.stringify(body)
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: ${new URL(url).host}\r\ncontent-type: application/json\r\n` +
      `${more.join('')}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}

/** One connection, one request after the other; answers have a content-length. */
export class Connection {
  #socket
  #chunks = []
  #size = 0
  #need = 0
  #head = ''
  #done

  /** @param {string} url */
  constructor(url) {
    const { hostname, port } = new URL(url)
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.on('data', (chunk) => this.#take(chunk))
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#end({ status: 0, head: '', body: '' }))
  }

  get open() {
    return !this.#socket.destroyed
  }

  /** @param {Buffer} bytes @returns {Promise<{ status: number, head: string, body: string }>} status 0: the connection broke */
  send(bytes) {
    return new Promise((resolve) => {
      this.#done = resolve
      if (this.open) this.#socket.write(bytes)
      else this.#end({ status: 0, head: '', body: '' })
    })
  }

  close() {
    this.#socket.destroy()
  }

  #take(chunk) {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#need === 0) {
      const all = Buffer.concat(this.#chunks)
      const end = all.indexOf('\r\n\r\n')
      if (end === -1) return
      this.#head = all.toString('latin1', 0, end)
      this.#need = end + 4 + Number(/^content-length: (\d+)/im.exec(this.#head)?.[1] ?? 0)
    }
    if (this.#size < this.#need) return
    const all = Buffer.concat(this.#chunks)
    const body = all.toString('utf8', this.#head.length + 4)
    this.#end({ status: Number(this.#head.slice(9, 12)), head: this.#head, body })
  }

  #end(answer) {
    this.#chunks = []
    this.#size = 0
    this.#need = 0
    const done = this.#done
    this.#done = undefined
    done?.(answer)
  }
}

const LAST_CHUNK = '\r\n0\r\n\r\n'

/** One streamed answer after the other, over one connection for as long as the server keeps it. */
export class StreamConnection {
  #url
  #socket
  #tail = ''
  #heard = () => {}
  #done = { resolve: () => {}, reject: () => {} }

  /** @param {string} url */
  constructor(url) {
    this.#url = url
  }

  /**
   * @param {string} path @param {unknown} body @param {(piece: Buffer) => void} onPiece hears each piece as it comes
   * @returns {Promise<string>} the end of the answer
   */
  async stream(path, body, onPiece) {
    await this.open()
    this.#tail = ''
    this.#heard = onPiece
    this.#socket.write(postBytes(this.#url, path, body))
    return new Promise((resolve, reject) => {
      this.#done = { resolve, reject }
    })
  }

  /** Connects where the server has closed the last connection: it waits a few seconds for the next request. */
  async open() {
    if (this.#socket?.readyState === 'open') return
    const { hostname, port } = new URL(this.#url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket = socket
    socket.on('data', (piece) => {
      this.#heard(piece)
      this.#tail = (this.#tail + piece.toString('latin1')).slice(-TAIL)
      if (this.#tail.endsWith(LAST_CHUNK)) this.#done.resolve(this.#tail)
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#done.reject(new Error(`the connection closed after: ${this.#tail}`)))
    await once(socket, 'connect')
  }

  close() {
    this.#socket?.destroy()
  }
}
