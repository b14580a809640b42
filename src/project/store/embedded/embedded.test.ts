import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect, test } from 'vitest'
import { storeContract } from '../contract.suite.ts'
import { openEmbeddedStore } from '../index.ts'
import { madeUpFile, vectorOf } from '../samples.suite.ts'

storeContract('the embedded store', openEmbeddedStore)

test('vectors without a chunk are kept for a while, but not without bound', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-orphans-'))
  const space = { fingerprint: 'f', dimensions: 16 }
  const store = await openEmbeddedStore(folder, space)
  for (let batch = 0; batch < 6; batch += 1) {
    const hashes = Array.from({ length: 500 }, (_, at) => `hash ${batch} ${at}`)
    const vectors = new Float32Array(500 * 16)
    for (const [row, hash] of hashes.entries()) vectors.set(vectorOf(hash, 16), row * 16)
    await store.putVectors(hashes, vectors)
  }
  await store.close()
  const again = await openEmbeddedStore(folder, space)
  await again.putFiles([madeUpFile(1, 0)]) // the first write after opening looks for what may go
  await again.close()
  const database = new DatabaseSync(join(folder, 'index.db'))
  expect(database.prepare('SELECT count(*) AS n FROM vectors').get()).toEqual({ n: 2000 })
  expect(database.prepare("SELECT count(*) AS n FROM vectors WHERE hash LIKE 'hash 5 %'").get()).toEqual({
    n: 500,
  })
  database.close()
  rmSync(folder, { recursive: true, force: true })
})
