import { open } from 'node:fs/promises'
import { unsupported } from './files.ts'

/** One tensor of a GGUF file. */
export interface GgufTensor {
  readonly name: string
  /** The row's length first, as ggml counts. */
  readonly shape: readonly number[]
  /** ggml's number of its type. */
  readonly type: number
}

/** What a GGUF file's header says, as far as it matters here. */
export interface GgufHeader {
  /** `qwen2`, `bert` */
  readonly architecture: string
  /** Plain values: numbers, texts and truths. */
  readonly values: ReadonlyMap<string, string | number | boolean>
  /** Short lists of numbers and truths (as 0 and 1): what differs from layer to layer; others are passed over. */
  readonly lists: ReadonlyMap<string, readonly number[]>
  readonly tensors: readonly GgufTensor[]
  /** Numbers in this file's tensors. */
  readonly parameters: number
}

const CHUNK_BYTES = 1 << 20
const MAX_HEADER_BYTES = 256 * 1024 * 1024
const MAX_ENTRIES = 1_000_000
/** No model has more layers; a vocabulary has more entries. */
const MAX_LIST = 4096

/** Bytes of the value types of fixed size, by their number. */
const SIZES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}
const STRING = 8
const ARRAY = 9

/**
 * Reads the header of a GGUF file; tensors' data is not touched.
 * @throws TandemError MODEL_UNSERVABLE for a file that is not GGUF of version 2 or 3, or is damaged
 */
export async function readGgufHeader(file: string): Promise<GgufHeader> {
  const handle = await open(file)
  try {
    const reader = new Reader(async (at, length) => {
      const buffer = Buffer.alloc(length)
      const { bytesRead } = await handle.read(buffer, 0, length, at)
      return buffer.subarray(0, bytesRead)
    })
    return await parse(reader)
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    throw unsupported(file, `no GGUF file that can be read: ${thrown.message}`)
  } finally {
    await handle.close()
  }
}

async function parse(reader: Reader): Promise<GgufHeader> {
  if ((await reader.bytes(4)).toString('latin1') !== 'GGUF')
    throw new RangeError('it does not begin with GGUF')
  const version = await reader.u32()
  if (version !== 2 && version !== 3) throw new RangeError(`its version is ${version}, not 2 or 3`)
  const tensorCount = await reader.count()
  const entries = await reader.count()
  const values = new Map<string, string | number | boolean>()
  const lists = new Map<string, readonly number[]>()
  for (let i = 0; i < entries; i++) {
    const key = await reader.text()
    const value = await reader.value(await reader.u32())
    if (typeof value === 'object') lists.set(key, value)
    else if (value !== undefined) values.set(key, value)
  }
  const tensors: GgufTensor[] = []
  let parameters = 0
  for (let i = 0; i < tensorCount; i++) {
    const tensor = await readTensor(reader)
    tensors.push(tensor)
    parameters += tensor.shape.reduce((a, b) => a * b, 1)
  }
  if (!Number.isSafeInteger(parameters)) throw new RangeError(`${parameters} parameters`)
  const architecture = String(values.get('general.architecture') ?? '')
  return { architecture, values, lists, tensors, parameters }
}

async function readTensor(reader: Reader): Promise<GgufTensor> {
  const name = await reader.text()
  const dimensions = await reader.u32()
  if (dimensions > 8) throw new RangeError(`a tensor of ${dimensions} dimensions`)
  const shape: number[] = []
  for (let d = 0; d < dimensions; d++) shape.push(Number((await reader.bytes(8)).readBigUInt64LE()))
  const type = await reader.u32()
  await reader.skip(8) // where its data are
  return { name, shape, type }
}

class Reader {
  #at = 0
  #buffer: Buffer = Buffer.alloc(0)
  #bufferAt = 0
  readonly #read: (at: number, length: number) => Promise<Buffer>

  constructor(read: (at: number, length: number) => Promise<Buffer>) {
    this.#read = read
  }

  async bytes(length: number): Promise<Buffer> {
    if (this.#at + length > MAX_HEADER_BYTES) throw new RangeError('its header is too long')
    const from = this.#at - this.#bufferAt
    if (from < 0 || from + length > this.#buffer.length) {
      this.#buffer = await this.#read(this.#at, Math.max(CHUNK_BYTES, length))
      this.#bufferAt = this.#at
      if (this.#buffer.length < length) throw new RangeError('it ends within its header')
    }
    const start = this.#at - this.#bufferAt
    this.#at += length
    return this.#buffer.subarray(start, start + length)
  }

  async skip(length: number): Promise<void> {
    this.#at += length
    if (this.#at > MAX_HEADER_BYTES) throw new RangeError('its header is too long')
  }

  async u32(): Promise<number> {
    return (await this.bytes(4)).readUInt32LE()
  }

  async count(limit = MAX_ENTRIES): Promise<number> {
    const count = Number((await this.bytes(8)).readBigUInt64LE())
    if (count > limit) throw new RangeError(`${count} entries`)
    return count
  }

  async text(): Promise<string> {
    return (await this.bytes(await this.count(MAX_HEADER_BYTES))).toString('utf8')
  }

  async value(type: number): Promise<string | number | boolean | readonly number[] | undefined> {
    if (type === STRING) return this.text()
    if (type === ARRAY) return this.#list()
    return this.#plain(type)
  }

  async #plain(type: number): Promise<number | boolean> {
    const size = SIZES[type]
    if (size === undefined) throw new RangeError(`a value of the unknown type ${type}`)
    const bytes = await this.bytes(size)
    if (type === 7) return bytes[0] !== 0
    if (type === 6) return bytes.readFloatLE()
    if (type === 12) return bytes.readDoubleLE()
    if (size === 8) return Number(type === 10 ? bytes.readBigUInt64LE() : bytes.readBigInt64LE())
    return type === 0 || type === 2 || type === 4 ? bytes.readUIntLE(0, size) : bytes.readIntLE(0, size)
  }

  async #list(): Promise<readonly number[] | undefined> {
    const type = await this.u32()
    const count = await this.count(MAX_HEADER_BYTES)
    const size = SIZES[type]
    if (size !== undefined && count <= MAX_LIST) {
      const list: number[] = []
      for (let i = 0; i < count; i++) list.push(Number(await this.#plain(type)))
      return list
    }
    if (size !== undefined) await this.skip(count * size)
    else if (type === STRING)
      for (let i = 0; i < count; i++) await this.skip(await this.count(MAX_HEADER_BYTES))
    else throw new RangeError('a list of lists')
    return undefined
  }
}
