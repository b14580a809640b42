import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { IndexStore } from '../contract.ts'
import { chunk, file } from '../samples.suite.ts'
import { openEmbeddedStore } from './open.ts'

let folder: string
let store: IndexStore

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tandem-prepare-'))
  store = await openEmbeddedStore(folder, { fingerprint: 'f', dimensions: 4 })
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

test('a prepared search finds what an unprepared one does, and what was written in between', async () => {
  const query = { text: 'cancelRequest', limit: 5, explain: true }
  await store.putFiles([file('a.ts', [chunk('export function cancelRequest() {}')])])
  const plain = await store.search(query)
  await store.prepare(query.text)
  expect(await store.search(query)).toEqual(plain)

  await store.prepare(query.text)
  await store.putFiles([file('b.ts', [chunk('export function cancelRequest(again: boolean) {}')])])
  expect((await store.search(query)).hits.map((hit) => hit.path).sort()).toEqual(['a.ts', 'b.ts'])
})
