import type { Duplex } from 'node:stream'
import { DefaultSerializer, deserialize } from 'node:v8'

/** Bytes before each message: its length. */
const HEADER_BYTES = 4
/** More than the largest answer; a length beyond it is garbage. */
const MAX_MESSAGE_BYTES = 256 * 2 ** 20

export interface ChannelHandlers {
  onMessage(value: unknown): void
  /** What came is no message; nothing is read any more. */
  onGarbage(why: string): void
}

/**
 * Messages over a pipe, by structured clone. Node's own IPC throws in the reading process when bytes on the pipe are
 * no message; here they are reported.
 */
export class Channel {
  readonly #stream: Duplex
  readonly #handlers: ChannelHandlers
  #chunks: Buffer[] = []
  #held = 0
  #isGarbage = false
  /** Messages of this turn of the event loop after its first; absent: it has sent none yet. */
  #unsent: Buffer[] | undefined

  constructor(stream: Duplex, handlers: ChannelHandlers) {
    this.#stream = stream
    this.#handlers = handlers
    stream.on('data', (chunk: Buffer) => this.#read(chunk))
    stream.on('error', () => {}) // a broken pipe closes, and the process behind it is gone
  }

  /**
   * Sends nothing once the pipe is closed. The first message of a turn of the event loop leaves at once, for a person waits for most
   * of them; what else the turn sends leaves with one system call, which costs ten times what a message does: many streams get a
   * token each in one turn.
   * @throws Error when the message holds what cannot be cloned
   */
  send(message: unknown): void {
    if (!this.#stream.writable) return
    const frame = frameOf(message)
    if (this.#unsent) {
      this.#unsent.push(frame)
      return
    }
    this.#unsent = []
    setImmediate(() => this.#flush())
    this.#stream.write(frame)
  }

  #flush(): void {
    const unsent = this.#unsent ?? []
    this.#unsent = undefined
    if (unsent.length > 0 && this.#stream.writable) this.#stream.write(Buffer.concat(unsent))
  }

  #read(chunk: Buffer): void {
    if (this.#isGarbage) return
    this.#chunks.push(chunk)
    this.#held += chunk.length
    for (let body = this.#take(); body; body = this.#take()) {
      let value: unknown
      try {
        value = deserialize(body)
      } catch (thrown) {
        this.#garbage(thrown instanceof Error ? thrown.message : String(thrown))
        return
      }
      this.#handlers.onMessage(value)
    }
  }

  /** The bytes of the next message, when all have come. */
  #take(): Buffer | undefined {
    if (this.#held < HEADER_BYTES) return undefined
    const first = this.#chunks[0] as Buffer
    const head = first.length >= HEADER_BYTES ? first : this.#join()
    const length = head.readUInt32LE()
    if (length > MAX_MESSAGE_BYTES) {
      this.#garbage(`a message of ${length} bytes`)
      return undefined
    }
    const end = HEADER_BYTES + length
    if (this.#held < end) return undefined
    const all = this.#join()
    this.#held -= end
    this.#chunks = this.#held > 0 ? [all.subarray(end)] : []
    return all.subarray(HEADER_BYTES, end)
  }

  #join(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }

  #garbage(why: string): void {
    this.#isGarbage = true
    this.#chunks = []
    this.#held = 0
    this.#handlers.onGarbage(why)
  }
}

/** The length and the message in one piece. */
function frameOf(message: unknown): Buffer {
  const serializer = new DefaultSerializer()
  serializer.writeRawBytes(Buffer.alloc(HEADER_BYTES))
  serializer.writeHeader()
  serializer.writeValue(message)
  const frame = serializer.releaseBuffer()
  frame.writeUInt32LE(frame.length - HEADER_BYTES)
  return frame
}
