import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takePlace } from './leftovers.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-place-'))
  mkdirSync(join(root, 'work'))
  put('build', 'old')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const path = (name: string) => join(root, name)
const version = () => readFileSync(join(root, 'build', 'version'), 'utf8')

function put(name: string, version: string): void {
  mkdirSync(path(name))
  writeFileSync(join(path(name), 'version'), version)
}

test('takes the place of an older one, or of none', async () => {
  put('fresh', 'new')
  await takePlace(path('fresh'), path('build'), path('work'))
  expect(version()).toBe('new')
  put('fresh', 'first')
  await takePlace(path('fresh'), path('another'), path('work'))
  expect(readFileSync(join(root, 'another', 'version'), 'utf8')).toBe('first')
})

test('the older one is back where the new one cannot be moved', async () => {
  await expect(takePlace(path('none'), path('build'), path('work'))).rejects.toThrow('ENOENT')
  expect(version()).toBe('old')
})
