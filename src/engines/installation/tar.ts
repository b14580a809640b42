/** A reader of tar archives as GNU tar, bsdtar and libarchive write them; POSIX' `pax` headers and GNU's long names included. */

export interface TarEntry {
  readonly kind: 'file' | 'folder' | 'link' | 'hard link'
  /** As the archive has it. */
  readonly name: string
  /** Of a link: what it points to. */
  readonly target: string
  readonly bytes: number
  /** The owner may run it. */
  readonly executable: boolean
}

/** An entry and its content, which must be read before the next entry is asked for. */
export interface OpenTarEntry extends TarEntry {
  readonly content: AsyncIterable<Buffer>
}

const BLOCK = 512
/** Of a name in a header of its own. */
const MAX_NAME_BYTES = 64 * 1024
const KINDS: Readonly<Record<string, TarEntry['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hard link',
  '2': 'link',
  '5': 'folder',
}

/**
 * Reads the entries in their order.
 * @throws Error saying what is wrong with the archive
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<OpenTarEntry> {
  const input = new Input(source)
  let longer: { name?: string; target?: string; bytes?: number } = {}
  for (;;) {
    const header = await input.take(BLOCK)
    if (header.every((byte) => byte === 0)) return // what follows is padding
    checkSum(header)
    const type = header.toString('latin1', 156, 157)
    const bytes = longer.bytes ?? octal(header, 124, 12)
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      if (bytes > MAX_NAME_BYTES) throw new Error('a name in the archive is too long')
      const text = (await input.take(bytes)).toString('utf8')
      await input.skip(padding(bytes))
      if (type === 'x') longer = { ...longer, ...paxFields(text) }
      else if (type === 'L') longer = { ...longer, name: text.replace(/\0.*$/s, '') }
      else if (type === 'K') longer = { ...longer, target: text.replace(/\0.*$/s, '') }
      continue
    }
    const name = longer.name ?? shortName(header)
    const kind = KINDS[type]
    if (kind === undefined) throw new Error(`${name} is of a kind that is not unpacked (${type})`)
    const size = kind === 'file' ? bytes : 0
    let left = size
    yield {
      kind,
      name,
      target: longer.target ?? field(header, 157, 100),
      bytes: size,
      executable: (octal(header, 100, 8) & 0o100) !== 0,
      content: (async function* () {
        while (left > 0) {
          const chunk = await input.some(left)
          left -= chunk.length
          yield chunk
        }
      })(),
    }
    await input.skip(left + padding(size))
    longer = {}
  }
}

/** Bytes of a stream, taken in pieces of another size. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** What is there, at most so many bytes, at least one. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next()
      if (done) throw new Error('the archive is cut off')
      this.#rest = value
    }
    const part = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(part.length)
    return part
  }

  async take(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let left = bytes; left > 0; ) {
      const part = await this.some(left)
      parts.push(part)
      left -= part.length
    }
    return Buffer.concat(parts)
  }

  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) left -= (await this.some(left)).length
  }
}

function padding(bytes: number): number {
  return (BLOCK - (bytes % BLOCK)) % BLOCK
}

/** The sum of a header's bytes, its own field taken as spaces. */
function checkSum(header: Buffer): void {
  let sum = 0
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte
  if (sum !== octal(header, 148, 8)) throw new Error('no tar archive, or a damaged one')
}

function octal(header: Buffer, at: number, length: number): number {
  const text = field(header, at, length).trim()
  if (!/^[0-7]*$/.test(text)) throw new Error('no tar archive, or a damaged one') // base 256 begins at 8 GiB
  return text === '' ? 0 : Number.parseInt(text, 8)
}

function field(header: Buffer, at: number, length: number): string {
  return header.toString('utf8', at, at + length).replace(/\0.*$/s, '')
}

/** POSIX' tar splits a name in two. */
function shortName(header: Buffer): string {
  const isPosix = field(header, 257, 6) === 'ustar'
  const prefix = isPosix ? field(header, 345, 155) : ''
  const name = field(header, 0, 100)
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Lines of `LENGTH KEY=VALUE`, the length counted in bytes with itself. */
function paxFields(text: string): { name?: string; target?: string; bytes?: number } {
  const fields: { name?: string; target?: string; bytes?: number } = {}
  let rest = Buffer.from(text, 'utf8')
  while (rest.length > 0) {
    const length = Number(/^(\d+) /.exec(rest.toString('latin1', 0, 12))?.[1])
    const line = rest.toString('utf8', 0, length)
    const [, key, value] = /^\d+ ([^=]+)=(.*)\n$/s.exec(line) ?? []
    if (key === undefined || value === undefined) throw new Error('no tar archive, or a damaged one')
    if (key === 'path') fields.name = value
    else if (key === 'linkpath') fields.target = value
    else if (key === 'size') fields.bytes = Number(value)
    rest = rest.subarray(length)
  }
  return fields
}
