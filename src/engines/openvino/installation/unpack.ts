import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { counted, openZip, type UnpackedFiles, type Zip } from '../../installation/index.ts'
import { placeOf } from './pinned.ts'

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
      const seen = (chunk: Buffer) => {
        hash.update(chunk)
        onBytes(chunk.length)
      }
      const out = createWriteStream(file, { flags: 'wx', flush: true })
      await pipeline([...(await zip.open(entry)), counted(entry.name, entry.bytes, seen), out], { signal })
      if (hash.digest('base64url') !== hashes.get(entry.name))
        throw new Error(`${entry.name} is not what the wheel's RECORD says`)
      files[place] = entry.bytes
    }
    return files
  } finally {
    await zip.close()
  }
}

/** sha256 in base64url by name, as wheels record it. */
async function readRecord(zip: Zip, signal: AbortSignal): Promise<Map<string, string>> {
  const entry = zip.entries.find(({ name }) => /^openvino-[^/]+\.dist-info\/RECORD$/.test(name))
  if (!entry || entry.bytes > MAX_RECORD_BYTES) throw new Error('the wheel has no RECORD of its files')
  const chunks: Buffer[] = []
  const drain = new Writable({ write: (_chunk, _encoding, done) => done() })
  await pipeline(
    [...(await zip.open(entry)), counted(entry.name, entry.bytes, (chunk) => chunks.push(chunk)), drain],
    { signal },
  )
  const lines = Buffer.concat(chunks).toString('utf8').split(/\r?\n/)
  const rows = lines.map((line) => /^"?([^",]+)"?,sha256=([\w-]+)=*,\d+$/.exec(line))
  return new Map(rows.flatMap((row) => (row ? [[row[1]!, row[2]!] as const] : [])))
}
