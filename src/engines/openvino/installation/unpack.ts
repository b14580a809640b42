import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { placeOf } from './pinned.ts'
import { openZip, type Zip, type ZipEntry } from './zip.ts'

/** Bytes of each file that was unpacked, by its path in the installation. */
export type UnpackedFiles = Readonly<Record<string, number>>

const MAX_RECORD_BYTES = 4 * 1024 * 1024

/**
 * Unpacks what the C API needs of a wheel into an empty folder, each file compared with the wheel's own RECORD.
 * @param onBytes called with the bytes written since the last call
 * @throws Error naming the file that is wrong; the folder then holds part of the files
 */
export async function unpackWheel(
  wheel: string,
  folder: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<UnpackedFiles> {
  const zip = await openZip(wheel)
  try {
    const hashes = await readRecord(zip, signal)
    const files: Record<string, number> = {}
    for (const entry of zip.entries) {
      const place = placeOf(entry.name) // names nothing outside of the folder
      if (place === undefined || place in files) continue
      const file = join(folder, ...place.split('/'))
      await mkdir(dirname(file), { recursive: true })
      const hash = createHash('sha256')
      const out = createWriteStream(file, { flags: 'wx', flush: true })
      await pipeline([...(await zip.open(entry)), counted(entry, hash, onBytes), out], { signal })
      if (hash.digest('base64url') !== hashes.get(entry.name))
        throw new Error(`${entry.name} is not what the wheel's RECORD says`)
      files[place] = entry.bytes
    }
    return files
  } finally {
    await zip.close()
  }
}

/** Hashes what passes, and ends at the size that the directory promised. */
function counted(entry: ZipEntry, hash: { update(data: Buffer): unknown }, onBytes: (bytes: number) => void) {
  let seen = 0
  const wrong = () => new Error(`${entry.name} does not have its ${entry.bytes} bytes`)
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen > entry.bytes) return done(wrong())
      hash.update(chunk)
      onBytes(chunk.length)
      done(null, chunk)
    },
    flush: (done) => done(seen === entry.bytes ? null : wrong()),
  })
}

/** sha256 in base64url by name, as wheels record it. */
async function readRecord(zip: Zip, signal: AbortSignal): Promise<Map<string, string>> {
  const entry = zip.entries.find(({ name }) => /^openvino-[^/]+\.dist-info\/RECORD$/.test(name))
  if (!entry || entry.bytes > MAX_RECORD_BYTES) throw new Error('the wheel has no RECORD of its files')
  const chunks: Buffer[] = []
  const keep = { update: (chunk: Buffer) => chunks.push(chunk) }
  const drain = new Writable({ write: (_chunk, _encoding, done) => done() })
  await pipeline([...(await zip.open(entry)), counted(entry, keep, () => undefined), drain], { signal })
  const lines = Buffer.concat(chunks).toString('utf8').split(/\r?\n/)
  const rows = lines.map((line) => /^"?([^",]+)"?,sha256=([\w-]+)=*,\d+$/.exec(line))
  return new Map(rows.flatMap((row) => (row ? [[row[1]!, row[2]!] as const] : [])))
}
