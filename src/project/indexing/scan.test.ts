import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FileStamp } from '../records.ts'
import { ParseThread, type ScanBatch } from './index.ts'

let root: string
let parse: ParseThread
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-scan-')))
  parse = new ParseThread()
})
afterEach(async () => {
  await parse.close()
  rmSync(root, { recursive: true, force: true })
})

const options = { maxFileBytes: 1_000_000, excluded: [] }

interface Found {
  files: FileStamp[]
  touched: string[]
  removed: string[]
  last: ScanBatch | undefined
}

async function gather(batches: AsyncIterable<ScanBatch>): Promise<Found> {
  const found: Found = { files: [], touched: [], removed: [], last: undefined }
  for await (const batch of batches) {
    found.files.push(...batch.files)
    found.touched.push(...batch.touched.map((stamp) => stamp.path))
    found.removed.push(...batch.removed)
    found.last = batch
  }
  return found
}

const scan = (known: readonly FileStamp[], rechunk = false) =>
  gather(parse.scan({ root, known, options, rechunk }))
const names = (found: Found) => found.files.map((file) => file.path).sort()

describe('a scan compares the tree with what is known', () => {
  test('time and size decide whether a file is read, its hash whether it is chunked', async () => {
    for (const name of ['same', 'changed', 'touched', 'moved', 'gone', 'secret'])
      writeFileSync(join(root, `${name}.ts`), `const ${name} = 1\n`)
    const first = await scan([])
    expect(first.files).toHaveLength(6)
    expect((await scan(first.files)).last).toMatchObject({ filesTotal: 6, filesDone: 6 })
    writeFileSync(join(root, 'changed.ts'), 'const other = 22\n')
    utimesSync(join(root, 'touched.ts'), 1, 1)
    renameSync(join(root, 'moved.ts'), join(root, 'to.ts'))
    rmSync(join(root, 'gone.ts'))
    writeFileSync(join(root, 'secret.ts'), '-----BEGIN PRIVATE KEY-----\nabc\n')
    const second = await scan(first.files)
    expect(names(second)).toEqual(['changed.ts', 'to.ts'])
    expect(second.touched).toEqual(['touched.ts'])
    expect(second.removed.sort()).toEqual(['gone.ts', 'moved.ts', 'secret.ts'])
    expect(names(await scan(first.files, true))).toEqual(['changed.ts', 'same.ts', 'to.ts', 'touched.ts'])
  })

  test('some paths alone: files, folders, what is gone and what is ignored', async () => {
    mkdirSync(join(root, 'new'))
    writeFileSync(join(root, 'new/a.ts'), 'x')
    writeFileSync(join(root, 'b.ts'), 'x')
    writeFileSync(join(root, 'other.ts'), 'x')
    writeFileSync(join(root, '.gitignore'), 'ignored\n')
    writeFileSync(join(root, 'ignored'), 'x')
    const paths = ['new', 'b.ts', 'ignored', 'gone.ts']
    const found = await gather(parse.paths({ root, paths, known: [], options, rechunk: false }))
    expect(names(found)).toEqual(['b.ts', 'new/a.ts'])
    expect(found.removed).toEqual(['ignored', 'gone.ts'])
  })

  test('a missing root is an error, never an empty tree', async () => {
    rmSync(root, { recursive: true })
    await expect(scan([])).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' })
  })
})

describe('the parse thread', () => {
  test('5,000 files: batches wait for their consumer, others are answered meanwhile, memory is bounded', async () => {
    const text = 'export function compute(a: number) {\n  return a + 1\n}\n\n'.repeat(30)
    for (let folder = 0; folder < 50; folder += 1) {
      mkdirSync(join(root, `d${folder}`))
      for (let n = 0; n < 100; n += 1)
        writeFileSync(join(root, `d${folder}`, `f${n}.ts`), `// ${folder}/${n}\n${text}`)
    }
    await parse.explain({ root, path: 'd0/f0.ts', options }) // the thread and its grammars are loaded
    global.gc?.()
    const before = process.memoryUsage().rss
    let most = 0
    let files = 0
    let largest = 0
    let paused = false
    const later = 'd44' // the walk goes from d49 down: files 500 to 599
    for await (const batch of parse.scan({ root, known: [], options, rechunk: false })) {
      files += batch.files.length
      largest = Math.max(largest, batch.files.length)
      if (files >= 320 && !paused) {
        paused = true
        // A slow consumer: the thread answers others, and reads no further than a few batches.
        const explained = await parse.explain({ root, path: 'd0/f0.ts', options })
        expect(explained.reason).toBe('indexed as typescript')
        await new Promise((resolve) => setTimeout(resolve, 2000))
        rmSync(join(root, later), { recursive: true })
      }
      most = Math.max(most, process.memoryUsage().rss)
    }
    expect(files).toBe(4900)
    expect(largest).toBeLessThanOrEqual(64)
    // The thread's own heap is part of this.
    expect((most - before) / 1e6).toBeLessThan(200)
  })

  test('stopping early cancels the scan, and the thread goes on', async () => {
    for (let n = 0; n < 200; n += 1) writeFileSync(join(root, `f${n}.ts`), 'x')
    for await (const batch of parse.scan({ root, known: [], options, rechunk: false }))
      if (batch.files.length > 0) break
    expect(names(await scan([]))).toHaveLength(200)
    await parse.close()
    await expect(parse.explain({ root, path: 'a', options })).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })

  test('a thread that dies fails what waits for it, and the next request starts another', async () => {
    const dying =
      "import { parentPort } from 'node:worker_threads'; parentPort.once('message', () => { throw new Error('boom') })"
    const broken = new ParseThread(new URL(`data:text/javascript,${encodeURIComponent(dying)}`))
    const request = { root, known: [], options, rechunk: false }
    for (let time = 0; time < 2; time += 1)
      await expect(gather(broken.scan(request))).rejects.toMatchObject({
        code: 'INTERNAL',
        message: expect.stringContaining('boom'),
      })
    await broken.close()
  })
})
