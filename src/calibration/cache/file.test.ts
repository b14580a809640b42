import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CONTEXT, candidate, figure } from './samples.suite.ts'
import { MeasurementStore } from './store.ts'

const WRITER = fileURLToPath(new URL('./writer.js', import.meta.url))
const embed = candidate()

let home: string
let file: string
let warnings: string[]
let stores: MeasurementStore[]
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-calibration-'))
  file = join(home, 'calibration.sqlite')
  warnings = []
  stores = []
})
afterEach(() => {
  for (const store of stores) store.close()
  rmSync(home, { recursive: true, force: true })
})

function open(): MeasurementStore {
  const store = new MeasurementStore(home, { onWarning: (sentence) => warnings.push(sentence) })
  stores.push(store)
  return store
}

const known = (store: MeasurementStore, powerProfile = CONTEXT.powerProfile) =>
  store.measurementsFor([embed], { ...CONTEXT, powerProfile }).measured.length

function startWriter(rows: number): {
  child: ChildProcess
  lines: AsyncIterator<string>
  done: Promise<string[]>
} {
  const work = { home, candidate: embed, context: CONTEXT, figure: figure(embed), rows }
  const child = spawn(process.execPath, [WRITER, JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const reader = createInterface({ input: child.stdout! })
  const seen: string[] = []
  reader.on('line', (line) => seen.push(line))
  return {
    child,
    lines: reader[Symbol.asyncIterator](),
    done: once(child, 'close').then(() => seen),
  }
}

describe('a file that cannot be used', () => {
  test.each([
    ['garbage', Buffer.from('not a database at all, but long enough to be read as a header of one ......')],
    ['cut off', undefined],
    ['of something else', 'other'],
  ])('%s: it is set aside with a warning, and begun anew', async (_, how) => {
    await startWriter(1).done // another process made it: nothing of it is open here
    if (how === undefined) writeFileSync(file, readFileSync(file).subarray(0, 5000))
    else if (how instanceof Buffer) writeFileSync(file, how)
    else {
      rmSync(file)
      const other = new DatabaseSync(file)
      other.exec('CREATE TABLE measurements (x); CREATE TABLE notes (x)')
      other.close()
    }
    const before = readFileSync(file)
    const store = open()
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(
      /calibration\.sqlite .*; it is kept as .*\.broken, and placements are measured anew/,
    )
    expect(readFileSync(`${file}.broken`)).toEqual(before)
    store.put(embed, CONTEXT, figure(embed))
    expect(known(open())).toBe(1)
    expect(warnings).toHaveLength(1)
  })

  test('damaged while it is open', () => {
    const store = open()
    store.put(embed, CONTEXT, figure(embed))
    const other = new DatabaseSync(file)
    other.exec('DROP TABLE measurements')
    other.close()
    expect(known(store)).toBe(0)
    store.put(embed, CONTEXT, figure(embed))
    expect(known(store)).toBe(1)
    expect(warnings).toHaveLength(1)
  })

  test('a row that is no measurement is missing', () => {
    const store = open()
    store.put(embed, CONTEXT, figure(embed))
    const database = new DatabaseSync(file)
    for (const figures of ['{', '{}', '{"encoder":{"textsPerSecond":-1,"buckets":[]}}']) {
      database.prepare('UPDATE measurements SET figures = ?').run(figures)
      expect(store.measurementsFor([embed], CONTEXT).missing).toHaveLength(1)
    }
    database.close()
  })

  test('of a newer Tandem: it is left alone', () => {
    open().close()
    const database = new DatabaseSync(file)
    database.exec('PRAGMA user_version = 9')
    database.close()
    expect(open).toThrow(/calibration\.sqlite: a newer Tandem wrote it \(format 9, this one reads 1\)/)
    expect(existsSync(`${file}.broken`)).toBe(false)
  })

  test('no file can be written there: it says so and works until the end', () => {
    mkdirSync(join(file, 'a folder'), { recursive: true })
    mkdirSync(join(`${file}.broken`), { recursive: true })
    rmSync(home, { recursive: true })
    writeFileSync(home, 'a file where the home should be')
    const store = open()
    expect(warnings[0]).toMatch(/cannot be replaced .*; what is measured now is forgotten at the end/)
    store.put(embed, CONTEXT, figure(embed))
    expect(known(store)).toBe(1)
  })
})

describe('several processes', () => {
  test('two begin the file and write at once: nothing is lost', async () => {
    const writers = [startWriter(40), startWriter(40)]
    const seen = await Promise.all(writers.map((writer) => writer.done))
    expect(seen.map((lines) => lines.at(-1))).toEqual(['40', '40'])
    const store = open()
    const profiles = writers.flatMap(({ child }) =>
      Array.from({ length: 40 }, (_, i) => `${child.pid} ${i + 1}`),
    )
    expect(profiles.filter((profile) => known(store, profile) === 0)).toEqual([])
    expect(warnings).toEqual([])
  })

  test('[nothing-lost] kill -9 while it writes: what was kept is there', async () => {
    const { child, lines, done } = startWriter(100_000)
    for (let count = 0; count < 30; count++) await lines.next()
    child.kill('SIGKILL')
    const seen = await done
    const store = open()
    expect(seen.filter((row) => known(store, `${child.pid} ${row}`) === 0)).toEqual([])
    expect(seen.length).toBeGreaterThanOrEqual(30)
    expect(warnings).toEqual([])
  })
})
