import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeLock } from './lock.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-lock-'))
  file = join(folder, '.lock')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const { signal } = new AbortController()
const neverWaits = () => {
  throw new Error('it waits')
}

test('one at a time, the next after it, and nothing is left', async () => {
  const release = await takeLock(file, signal, neverWaits)
  let waited: () => void
  const waits = new Promise<void>((resolve) => {
    waited = resolve
  })
  const second = takeLock(file, signal, () => waited())
  await waits
  await release()
  await (await second)()
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  ['of a process that has ended', 2 ** 22 - 3],
  ['of an earlier process with the number of this one', process.pid],
])('a lock %s is taken over', async (_name, pid) => {
  writeFileSync(file, String(pid))
  const release = await takeLock(file, signal, neverWaits)
  await release()
  expect(existsSync(file)).toBe(false)
})

test('a lock that nobody touches any more is taken over, whoever has the number of its process', async () => {
  writeFileSync(file, String(process.ppid))
  const longAgo = new Date(Date.now() - 10 * 60_000)
  utimesSync(file, longAgo, longAgo)
  await (await takeLock(file, signal, neverWaits))()
})

test('Ctrl-C ends the wait, and the lock stays with its holder', async () => {
  writeFileSync(file, String(process.ppid))
  const controller = new AbortController()
  await expect(takeLock(file, controller.signal, () => controller.abort())).rejects.toThrow('abort')
  expect(readdirSync(folder)).toEqual(['.lock'])
})
