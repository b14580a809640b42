import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeTarGz, type TarredFile } from '../../../test/support/make-tar.ts'
import { makeZip, type ZippedFile } from '../../../test/support/make-zip.ts'
import { openFiles } from '../../../test/support/open-files.ts'
import { type ArchiveKind, unpackArchive } from './unpack.ts'

let folder: string
let into: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-unpack-'))
  into = join(folder, 'into')
  mkdirSync(into)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const { signal } = new AbortController()

function unpack(kind: ArchiveKind, bytes: Buffer, maxBytes = 1e9) {
  const file = join(folder, `a.${kind}`)
  writeFileSync(file, bytes)
  return unpackArchive(file, kind, into, { maxBytes, onBytes: () => undefined, signal })
}

/** What stands beside the folder and in it. */
const around = () => ({ beside: readdirSync(folder).sort(), inside: readdirSync(into) })

describe.skipIf(process.platform === 'win32')("what the system's tar packs", () => {
  const long = `${'folder-of-a-long-name/'.repeat(12)}file.txt`

  test.each(['gnu', 'pax', 'ustar'])('%s: files, modes, links, long names', async (format) => {
    const from = join(folder, 'from')
    mkdirSync(join(from, 'bin'), { recursive: true })
    writeFileSync(join(from, 'bin', 'run'), '#!/bin/sh\n', { mode: 0o755 })
    writeFileSync(join(from, 'bin', 'libx.so.1'), Buffer.alloc(100_000, 'x'))
    writeFileSync(join(from, 'bin', 'empty'), '')
    symlinkSync('libx.so.1', join(from, 'bin', 'libx.so'))
    execFileSync('ln', [join(from, 'bin', 'libx.so.1'), join(from, 'bin', 'same.so')])
    if (format !== 'ustar') {
      mkdirSync(join(from, long, '..'), { recursive: true })
      writeFileSync(join(from, long), 'deep')
      symlinkSync('b'.repeat(150), join(from, 'long-target'))
    }
    execFileSync('tar', ['-czf', join(folder, 'real.tar.gz'), `--format=${format}`, '-C', from, '.'])
    const files = await unpack('tar.gz', readFileSync(join(folder, 'real.tar.gz')))
    expect(files).toMatchObject({ 'bin/run': 10, 'bin/empty': 0 })
    expect(files['bin/libx.so.1'] ?? files['bin/same.so']).toBe(100_000) // the other one is a hard link to it
    expect(statSync(join(into, 'bin', 'run')).mode & 0o111).toBe(0o111)
    expect(statSync(join(into, 'bin', 'empty')).mode & 0o111).toBe(0)
    expect(readlinkSync(join(into, 'bin', 'libx.so'))).toBe('libx.so.1')
    for (const name of ['libx.so', 'libx.so.1', 'same.so'])
      expect(readFileSync(join(into, 'bin', name)).equals(Buffer.alloc(100_000, 'x'))).toBe(true)
    if (format === 'ustar') return
    expect(readFileSync(join(into, long), 'utf8')).toBe('deep')
    expect(readlinkSync(join(into, 'long-target'))).toBe('b'.repeat(150))
  })
})

describe('a tar.gz', () => {
  test.each<[string, readonly TarredFile[], string]>([
    ['a name that climbs', [{ name: 'a/../../evil' }], 'leaves the archive'],
    ['an absolute name', [{ name: '/evil' }], 'is no path below'],
    ["a name of Windows'", [{ name: 'a\\..\\..\\evil' }], 'is no path below'],
    ['a drive', [{ name: 'C:/evil' }], 'is no path below'],
    ['a link that climbs', [{ name: 'link', type: '2', target: '../evil' }], 'leaves the archive'],
    ['a link to an absolute path', [{ name: 'link', type: '2', target: '/etc' }], 'is no path below'],
    ['a hard link that climbs', [{ name: 'link', type: '1', target: '../evil' }], 'leaves the archive'],
    ['a file through a link', [{ name: 'a', type: '2', target: 'b' }, { name: 'a/evil' }], 'EEXIST'],
    ['the same file twice', [{ name: 'a' }, { name: 'a' }], 'EEXIST'],
    ['a device', [{ name: 'null', type: '3' }], 'is of a kind that is not unpacked (3)'],
  ])('with %s is refused, and nothing is written beside the folder', async (_name, entries, says) => {
    const evil = join(folder, 'evil')
    writeFileSync(evil, 'what was there')
    await expect(unpack('tar.gz', makeTarGz(entries))).rejects.toThrow(says)
    expect(around().beside).toEqual(['a.tar.gz', 'evil', 'into'])
    expect(readFileSync(evil, 'utf8')).toBe('what was there')
  })

  const whole = makeTarGz([
    { name: 'a', content: Buffer.alloc(5000, 'a') },
    { name: 'b', content: 'b' },
  ])
  const noise = gunzipSync(whole).fill(7, 0, 100)
  test.each([
    ['that was cut', whole.subarray(0, whole.length - 20), /unexpected end of file/],
    ['whose tar was cut', gzipSync(gunzipSync(whole).subarray(0, 4000)), /the archive is cut off/],
    ['with a damaged header', gzipSync(noise), /no tar archive, or a damaged one/],
    ['that is none', Buffer.from('<html>not found</html>'), /incorrect header check/],
  ])('%s is refused', async (_name, bytes, says) => {
    await expect(unpack('tar.gz', bytes)).rejects.toThrow(says)
  })

  test('that unpacks to more than is allowed ends there', async () => {
    const bomb = makeTarGz([{ name: 'a', content: Buffer.alloc(4_000_000) }])
    expect(bomb.length).toBeLessThan(10_000)
    await expect(unpack('tar.gz', bomb, 1_000_000)).rejects.toThrow('it unpacks to more than 1000000 bytes')
    expect(around().inside).toEqual([])
  })
})

describe('a zip', () => {
  test('gives its files, with the modes that it has', async () => {
    const files = await unpack(
      'zip',
      makeZip([
        { name: 'build/', content: Buffer.alloc(0), packed: false },
        { name: 'build/run.exe', content: Buffer.from('run'), mode: 0o100_755 },
        { name: 'build/data', content: Buffer.alloc(50_000, 'd') },
        { name: 'build/empty', content: Buffer.alloc(0), packed: false },
      ]),
    )
    expect(files).toEqual({ 'build/run.exe': 3, 'build/data': 50_000, 'build/empty': 0 })
    expect(readFileSync(join(into, 'build', 'data')).equals(Buffer.alloc(50_000, 'd'))).toBe(true)
    if (process.platform !== 'win32')
      expect(statSync(join(into, 'build', 'run.exe')).mode & 0o111).toBe(0o111)
  })

  test.each<[string, ZippedFile, string]>([
    ['a name that climbs', { name: '../evil', content: Buffer.from('e') }, 'leaves the archive'],
    ['a link', { name: 'link', content: Buffer.from('../evil'), mode: 0o120_777 }, 'link is a link'],
    [
      'a file of another size',
      { name: 'a', content: Buffer.alloc(50), claimedBytes: 20 },
      'a does not have its 20 bytes',
    ],
  ])('with %s is refused', async (_name, file, says) => {
    await expect(unpack('zip', makeZip([file]))).rejects.toThrow(says)
    expect(existsSync(join(folder, 'evil'))).toBe(false)
    await sleep(20) // a file is opened later than asked
    expect(openFiles().filter((path) => path.startsWith(folder))).toEqual([])
  })
})
