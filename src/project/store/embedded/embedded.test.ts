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

test('an index whose thread ran out of memory answers again, with all that was stored', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-thread-'))
  const store = await openEmbeddedStore(folder, { fingerprint: 'f', dimensions: 16 }, { heapMb: 24 })
  await store.putFiles([madeUpFile(1, 0)])
  const [chunk] = madeUpFile(2, 0).chunks
  const huge = Array.from({ length: 40 }, (_, n) => ({
    ...chunk!,
    hash: `h${n}`,
    text: `${n} `.repeat(500_000),
  }))
  await expect(store.putFiles([{ ...madeUpFile(2, 0), chunks: huge }])).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
  })
  await expect.poll(() => store.files().catch(() => [])).toHaveLength(1)
  await store.putFiles([madeUpFile(3, 0)])
  expect(await store.counts()).toMatchObject({ files: 2 })
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})
