/** Promise 7: kill -9 at any moment, and damaged files. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { builtEntry } from '../../../config/index.ts'
import { embedPending, madeUpFile } from '../samples.suite.ts'
import { openEmbeddedStore } from './open.ts'

const DIMENSIONS = 16
const SPACE = { fingerprint: 'killed', dimensions: DIMENSIONS }
const KILLS = 20

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-damage-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Starts the writer, lets it write, kills it. */
async function writeAndKill(index: string, seed: number, afterMs: number): Promise<void> {
  const script = fileURLToPath(new URL('./endless-writer.js', import.meta.url))
  const args = [script, builtEntry('project/store/index'), index, String(DIMENSIONS), String(seed)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  expect((await exit)[1]).toBe('SIGKILL') // it had not ended by itself
}

function query(index: string, sql: string): unknown[][] {
  const database = new DatabaseSync(join(index, 'index.db'))
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => Object.values(row))
  } finally {
    database.close()
  }
}

/** Chunks and vectors as they stand, without row numbers. */
function content(index: string): unknown {
  return {
    chunks: query(
      index,
      'SELECT f.path, f.hash, c.start_line, c.end_line, c.symbol, c.text, c.hash, c.embedded FROM chunks c JOIN files f ON f.id = c.file_id ORDER BY 1, 3',
    ),
    vectors: query(index, 'SELECT hash, hex(vector) FROM vectors WHERE orphaned_at_ms IS NULL ORDER BY 1'),
    terms: query(index, 'SELECT term, doc, cnt FROM term_counts ORDER BY 1'),
  }
}

test(`an index killed ${KILLS} times while it is written opens each time, whole, and catches up to equal a fresh one`, async () => {
  const killed = join(folder, 'killed')
  const warnings: string[] = []
  const onWarning = (text: string): number => warnings.push(text)
  for (let kill = 0; kill < KILLS; kill += 1) {
    await writeAndKill(killed, kill * 1000, (kill * 37) % 150)
    const store = await openEmbeddedStore(killed, SPACE, { onWarning })
    const { files, chunks } = await store.counts()
    expect(chunks).toBe(3 * files) // a file is there with all its chunks or not at all
    await store.close()
    expect(query(killed, 'PRAGMA integrity_check')).toEqual([['ok']])
    expect(
      query(
        killed,
        'SELECT count(*) FROM chunks c WHERE embedded <> EXISTS (SELECT 1 FROM vectors v WHERE v.hash = c.hash)',
      ),
    ).toEqual([[0]])
    expect(
      query(
        killed,
        'SELECT count(*) FROM vectors v WHERE (orphaned_at_ms IS NULL) <> EXISTS (SELECT 1 FROM chunks c WHERE c.hash = v.hash)',
      ),
    ).toEqual([[0]])
  }
  expect(warnings).toEqual([])
  const wanted = Array.from({ length: 30 }, (_, number) => madeUpFile(number, 1))
  const caughtUp = await openEmbeddedStore(killed, SPACE)
  const before = await caughtUp.files()
  expect(before.length).toBeGreaterThan(0)
  await caughtUp.removeFiles(before.map(({ path }) => path))
  await caughtUp.putFiles(wanted)
  await embedPending(caughtUp, DIMENSIONS)
  const fresh = await openEmbeddedStore(join(folder, 'fresh'), SPACE)
  await fresh.putFiles(wanted)
  await embedPending(fresh, DIMENSIONS)
  const asked = { text: 'handle7Part1 queue', limit: 5, explain: true }
  expect(await caughtUp.search(asked)).toEqual(await fresh.search(asked))
  await Promise.all([caughtUp.close(), fresh.close()])
  expect(content(killed)).toEqual(content(join(folder, 'fresh')))
})

async function fill(): Promise<void> {
  const store = await openEmbeddedStore(folder, SPACE)
  await store.putFiles(Array.from({ length: 100 }, (_, number) => madeUpFile(number, 0)))
  await embedPending(store, DIMENSIONS)
  await store.close()
}

test.each([
  ['is no database', () => Buffer.from('not a database at all, '.repeat(500))],
  ['is cut in half', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
  [
    'has pages of noise in the middle',
    (bytes: Buffer) => Buffer.from(bytes).fill(0xa5, 5 * 4096, bytes.length - 4096),
  ],
  [
    'has another format',
    (bytes: Buffer) => {
      const changed = Buffer.from(bytes)
      changed.writeUInt32BE(999, 60) // user_version
      return changed
    },
  ],
])('an index that %s is set aside with a warning and built anew', async (_, damage) => {
  await fill()
  const file = join(folder, 'index.db')
  writeFileSync(file, damage(readFileSync(file)))
  const warnings: string[] = []
  const store = await openEmbeddedStore(folder, SPACE, { onWarning: (text) => warnings.push(text) })
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('set aside as index.db.broken')
  expect(await store.counts()).toEqual({ files: 0, chunks: 0, pending: 0 })
  await store.putFiles([madeUpFile(1, 0)])
  await store.close()
  expect(existsSync(`${file}.broken`)).toBe(true)
})

test('a folder that cannot be made is an error that says so, not a crash', async () => {
  writeFileSync(join(folder, 'file'), '')
  await expect(openEmbeddedStore(join(folder, 'file', 'index'), SPACE)).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    message: expect.stringContaining('ENOTDIR'),
  })
})

test('what another process wrote is searched without opening again', async () => {
  const mine = await openEmbeddedStore(folder, SPACE)
  const other = await openEmbeddedStore(folder, SPACE)
  await other.putFiles([madeUpFile(5, 0)])
  await embedPending(other, DIMENSIONS)
  const { hits } = await mine.search({
    text: 'zzz',
    vector: new Float32Array(DIMENSIONS).fill(0.25),
    limit: 5,
    explain: true,
  })
  expect(hits.map((hit) => hit.arms?.vector)).toEqual([expect.any(Number), expect.any(Number)])
  await Promise.all([mine.close(), other.close()])
})

test('a closed index leaves no journal behind', async () => {
  await fill()
  expect(readdirSync(folder)).toEqual(['index.db'])
})
