import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeZip } from '../../../test/support/make-zip.ts'
import { openZip } from './zip.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-zip-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function saved(bytes: Buffer): string {
  const file = join(folder, 'a.zip')
  writeFileSync(file, bytes)
  return file
}

const FILES = [
  { name: 'a/long.txt', content: Buffer.from('packed '.repeat(10_000)) },
  { name: 'b.bin', content: Buffer.from([0, 1, 2, 255]), packed: false },
]

test('packed and stored files come out as they went in', async () => {
  const zip = await openZip(saved(makeZip(FILES)))
  for (const [at, entry] of zip.entries.entries()) {
    const chunks: Buffer[] = []
    const keep = new Writable({
      write: (chunk, _encoding, done) => done(void chunks.push(chunk) as undefined),
    })
    await pipeline([...(await zip.open(entry)), keep])
    expect(entry).toMatchObject({ name: FILES[at]!.name, bytes: FILES[at]!.content.length })
    expect(Buffer.concat(chunks).equals(FILES[at]!.content)).toBe(true)
  }
  expect(zip.entries).toHaveLength(2)
  await zip.close()
})

const whole = makeZip(FILES)
/** The directory begins with this signature. */
const directoryAt = whole.indexOf(Buffer.from('PK\x01\x02', 'latin1'))

test.each([
  ['an empty file', Buffer.alloc(0), 'no zip file, or cut off'],
  ['another file', Buffer.from('<html>not found</html>'), 'no zip file, or cut off'],
  ['one that was cut', whole.subarray(0, whole.length - 30), 'no zip file, or cut off'],
  ['one without its beginning', whole.subarray(50), 'its directory'],
  [
    'a directory of noise',
    Buffer.from(whole).fill(7, directoryAt, directoryAt + 40),
    'its directory is damaged',
  ],
  ['an encrypted file', Buffer.from(whole).fill(1, directoryAt + 8, directoryAt + 9), 'encrypted'],
])('%s is refused', async (_name, bytes, says) => {
  await expect(openZip(saved(bytes))).rejects.toThrow(says)
})

test('a file whose header is elsewhere is refused', async () => {
  const zip = await openZip(saved(Buffer.from(whole).fill(0, 0, 4)))
  await expect(zip.open(zip.entries[0]!)).rejects.toThrow('a/long.txt is not where it should be')
  await zip.close()
})
