/** Zips, small and with faults. */
import { deflateRawSync } from 'node:zlib'

export interface ZippedFile {
  readonly name: string
  readonly content: Buffer
  /** What the zip's directory says of its unpacked bytes; default: the truth. */
  readonly claimedBytes?: number
  /** Packed; else stored as it is. */
  readonly packed?: boolean
  /** As Unix has it, type included; default: packed by a system that has none. */
  readonly mode?: number
}

function crc32(data: Buffer): number {
  let crc = ~0
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

/** A zip of the files in their order. */
export function makeZip(files: readonly ZippedFile[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content, claimedBytes = content.length, packed = true, mode } of files) {
    const data = packed ? deflateRawSync(content) : content
    const fields = Buffer.alloc(26) // what both headers share, from the version on
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(packed ? 8 : 0, 4)
    fields.writeUInt16LE(0x21, 8) // 1 January 1980
    fields.writeUInt32LE(crc32(content), 10)
    fields.writeUInt32LE(data.length, 14)
    fields.writeUInt32LE(claimedBytes, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), data])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    if (mode !== undefined) rest.writeUInt16LE(mode, 8)
    const packer = mode === undefined ? 0 : 3 // another system, Unix
    const head = Buffer.from(`PK\x01\x02\x14${String.fromCharCode(packer)}`, 'latin1')
    directory.push(Buffer.concat([head, fields, rest, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(Buffer.concat(directory).length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...directory, end])
}
