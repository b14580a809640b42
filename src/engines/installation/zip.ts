import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Duplex, Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'

/** A file of an archive. */
export interface ZipEntry {
  /** As the archive has it, `/` between folders; a folder's ends with one. */
  readonly name: string
  /** Type and permissions as Unix has them; 0 where another system packed it. */
  readonly mode: number
  /** Unpacked. */
  readonly bytes: number
  readonly packedBytes: number
  readonly method: 'stored' | 'deflated'
  /** Of its local header. */
  readonly offset: number
}

export interface Zip {
  readonly entries: readonly ZipEntry[]
  /** Streams for the head of a pipeline that ends with the unpacked bytes; how many those are is not checked. */
  open(entry: ZipEntry): Promise<[Readable, ...Duplex[]]>
  close(): Promise<void>
}

const END_SIGNATURE = 0x06054b50
const END_BYTES = 22
const MAX_COMMENT_BYTES = 65_535
const CENTRAL_SIGNATURE = 0x02014b50
const CENTRAL_BYTES = 46
const LOCAL_SIGNATURE = 0x04034b50
const LOCAL_BYTES = 30
/** Who packed an entry. */
const UNIX = 3
/** Bytes of all names together; the largest wheel so far has 0.2 MB. */
const MAX_DIRECTORY_BYTES = 16 * 1024 * 1024

/**
 * Opens a zip by its central directory: no zip64, no encryption, which neither wheels nor releases have.
 * @throws Error saying what is wrong with the file
 */
export async function openZip(file: string): Promise<Zip> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const entries = await readDirectory(handle, size)
    return {
      entries,
      open: (entry) => openEntry(file, handle, size, entry),
      close: () => handle.close(),
    }
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

async function readDirectory(handle: FileHandle, size: number): Promise<ZipEntry[]> {
  const tailBytes = Math.min(size, END_BYTES + MAX_COMMENT_BYTES)
  const tail = await readAt(handle, size - tailBytes, tailBytes)
  let at = tail.length - END_BYTES
  while (at >= 0 && tail.readUInt32LE(at) !== END_SIGNATURE) at -= 1
  if (at < 0) throw new Error('no zip file, or cut off')
  const count = tail.readUInt16LE(at + 10)
  const bytes = tail.readUInt32LE(at + 12)
  const offset = tail.readUInt32LE(at + 16)
  if (bytes > MAX_DIRECTORY_BYTES || offset + bytes > size)
    throw new Error('its directory lies outside of it')
  const directory = await readAt(handle, offset, bytes)
  const entries: ZipEntry[] = []
  let next = 0
  for (let index = 0; index < count; index += 1) {
    if (next + CENTRAL_BYTES > bytes || directory.readUInt32LE(next) !== CENTRAL_SIGNATURE)
      throw new Error('its directory is damaged')
    const [name, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(next + field))
    const end = next + CENTRAL_BYTES + name!
    if (end > bytes) throw new Error('its directory is damaged')
    const method = directory.readUInt16LE(next + 10)
    if ((method !== 0 && method !== 8) || directory.readUInt16LE(next + 8) & 1)
      throw new Error(`entry ${index} is encrypted, or packed by method ${method}`)
    entries.push({
      name: directory.toString('utf8', next + CENTRAL_BYTES, end),
      mode: directory[next + 5] === UNIX ? directory.readUInt16LE(next + 40) : 0,
      method: method === 0 ? 'stored' : 'deflated',
      packedBytes: directory.readUInt32LE(next + 20),
      bytes: directory.readUInt32LE(next + 24),
      offset: directory.readUInt32LE(next + 42),
    })
    next = end + extra! + comment!
  }
  return entries
}

async function openEntry(
  file: string,
  handle: FileHandle,
  size: number,
  entry: ZipEntry,
): Promise<[Readable, ...Duplex[]]> {
  const header = await readAt(handle, entry.offset, LOCAL_BYTES)
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) throw new Error(`${entry.name} is not where it should be`)
  const start = entry.offset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28)
  const end = start + entry.packedBytes
  if (end > size) throw new Error(`${entry.name} is cut off`)
  if (entry.packedBytes === 0) return [Readable.from([])]
  const packed = createReadStream(file, { start, end: end - 1 })
  return entry.method === 'stored' ? [packed] : [packed, createInflateRaw()]
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await handle.read(buffer, 0, length, position)
  if (bytesRead < length) throw new Error('the file is cut off')
  return buffer
}
