import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import watcher from '@parcel/watcher'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Changes, TreeWatcher } from './index.ts'
import type { WatchOptions } from './watch.ts'

let base: string
let root: string
let running: TreeWatcher | undefined
let changes: Changes[]
let missing: boolean[]
let warnings: string[]
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'tandem-watch-')))
  root = join(base, 'tree')
  mkdirSync(root)
  changes = []
  missing = []
  warnings = []
})
afterEach(async () => {
  await running?.close()
  rmSync(base, { recursive: true, force: true })
})

async function start(more: Partial<WatchOptions> = {}): Promise<void> {
  running = new TreeWatcher({
    root,
    excluded: [join(root, 'home')],
    onChanges: (each) => changes.push(each),
    onMissing: (each) => missing.push(each),
    onWarning: (each) => warnings.push(each),
    pollMs: 50,
    rescanMs: 200,
    ...more,
  })
  await running.start()
}

async function until(look: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 100_000; !look(); ) {
    if (Date.now() > endMs) throw new Error(`never: ${JSON.stringify({ changes, missing, warnings })}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const listed = () => new Set(changes.flatMap((each) => (each === 'all' ? [] : each)))
const all = () => changes.filter((each) => each === 'all').length

describe('events', () => {
  test('a burst of saves is one list of paths, without dependency folders and own data', async () => {
    mkdirSync(join(root, 'node_modules/a'), { recursive: true })
    mkdirSync(join(root, 'home'))
    mkdirSync(join(root, 'src'))
    await start()
    for (let n = 0; n < 20; n += 1) {
      writeFileSync(join(root, 'src', `f${n}.ts`), 'x')
      writeFileSync(join(root, 'node_modules/a', `f${n}.js`), 'x')
      writeFileSync(join(root, 'home', `f${n}.db`), 'x')
    }
    await until(() => listed().has('src/f19.ts'))
    expect([...listed()].every((path) => path.startsWith('src/'))).toBe(true)
    expect(listed().size).toBe(20)
    expect(changes.length).toBeLessThan(20) // fewer lists than files
  })

  test('a checkout of thousands of files and a changed rule ask for a scan', async () => {
    mkdirSync(join(root, 'sub'))
    await start()
    for (let n = 0; n < 1500; n += 1) writeFileSync(join(root, `f${n}.ts`), 'x')
    await until(() => all() > 0)
    const before = all()
    writeFileSync(join(root, 'sub', '.gitignore'), 'x')
    await until(() => all() > before)
  })
})

describe('faults', () => {
  test('without events the tree is scanned on a timer, and why is said', async () => {
    await start({ subscribe: () => Promise.reject(new Error('inotify_add_watch: No space left on device')) })
    await until(() => all() >= 2)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('No space left on device')
    expect(warnings[0]).toContain('scanned every 0.2 s')
  })

  test('a watcher that breaks is started again after a scan', async () => {
    let fail: ((error: Error) => void) | undefined
    await start({
      subscribe: (folder, listener, options) => {
        fail ??= (error) => listener(error, [])
        return watcher.subscribe(folder, listener, options)
      },
    })
    fail?.(new Error('events were dropped'))
    await until(() => all() >= 2)
    expect(warnings[0]).toContain('events were dropped')
    writeFileSync(join(root, 'after.ts'), 'x')
    await until(() => listed().has('after.ts'))
  })

  test('a folder that goes and returns, or is replaced, is followed again', async () => {
    await start()
    renameSync(root, join(base, 'away'))
    await until(() => missing.at(-1) === true)
    renameSync(join(base, 'away'), root)
    await until(() => missing.at(-1) === false && all() >= 1)
    writeFileSync(join(root, 'a.ts'), 'x')
    await until(() => listed().has('a.ts'))
  })

  test('a root that is missing at the start is waited for', async () => {
    rmSync(root, { recursive: true })
    await start()
    expect(missing).toEqual([true])
    mkdirSync(root)
    await until(() => all() >= 1 && missing.at(-1) === false)
  })
})
