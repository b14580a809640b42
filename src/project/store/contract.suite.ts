/** What every index store must do; an implementation's test calls it with its own way to open one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IndexStore, OpenStore } from './contract.ts'
import { chunk, embedPending, file, madeUpFile, vectorOf } from './samples.suite.ts'

const DIMENSIONS = 16
const SPACE = { fingerprint: 'first', dimensions: DIMENSIONS }

export function storeContract(name: string, open: OpenStore): void {
  describe(`${name} keeps the store contract`, () => {
    let folder: string
    let store: IndexStore
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'tandem-store-'))
      store = await open(folder, SPACE)
    })
    afterEach(async () => {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    })
    const reopen = async (space = SPACE): Promise<void> => {
      await store.close()
      store = await open(folder, space)
    }
    const paths = async (text: string, vector?: Float32Array): Promise<string[]> => {
      const answer = await store.search({ text, ...(vector ? { vector } : {}), limit: 10, explain: false })
      return answer.hits.map((hit) => hit.path)
    }

    test('a new store is empty and answers searches', async () => {
      expect(await store.counts()).toEqual({ files: 0, chunks: 0, pending: 0 })
      expect(await store.files()).toEqual([])
      const answer = await store.search({
        text: 'queue',
        vector: vectorOf('q', DIMENSIONS),
        limit: 5,
        explain: true,
      })
      expect(answer).toEqual({ hits: [], best: { cosine: 0, lexical: 0, matchedTerms: 0, queryTerms: 1 } })
    })

    test('files come back as they were put, also after reopening', async () => {
      const put = file('src/a b/ü.ts', [chunk('let a = 1', { symbol: 'a' })], {
        mtimeMs: 1_700_000_000_000.25,
      })
      await store.putFiles([put])
      await reopen()
      const { path, sizeBytes, mtimeMs, hash } = put
      expect(await store.files()).toEqual([{ path, sizeBytes, mtimeMs, hash }])
      expect(await store.chunksOf(path)).toBe(1)
      expect(await store.chunksOf('elsewhere.ts')).toBe(0)
    })

    test('a hit carries path, lines, symbol, language, text and, when asked, the arms', async () => {
      const text = 'function takeBatch() {\n  return 1\n}'
      await store.putFiles([file('src/queue.ts', [chunk(text, { symbol: 'takeBatch', startLine: 10 })])])
      await embedPending(store, DIMENSIONS)
      const query = { text: 'takeBatch', vector: vectorOf(`takeBatch\n${text}`, DIMENSIONS), limit: 5 }
      const [hit] = (await store.search({ ...query, explain: true })).hits
      expect(hit).toMatchObject({
        path: 'src/queue.ts',
        startLine: 10,
        endLine: 12,
        symbol: 'takeBatch',
        language: 'typescript',
        text,
        arms: { lexical: 1, trigram: 1 },
      })
      expect(hit!.arms!.vector).toBeCloseTo(1, 5)
      expect((await store.search({ ...query, explain: false })).hits[0]).not.toHaveProperty('arms')
    })

    test('replacing a file replaces its chunks and keeps the vectors of unchanged ones', async () => {
      const kept = chunk('function kept() {}', { symbol: 'kept' })
      await store.putFiles([file('a.ts', [kept, chunk('function gone() {}', { symbol: 'gone' })])])
      await embedPending(store, DIMENSIONS)
      await store.putFiles([file('a.ts', [kept, chunk('function added() {}', { symbol: 'added' })])])
      expect(await store.counts()).toEqual({ files: 1, chunks: 2, pending: 1 })
      expect((await store.pending(10)).map(({ embedText }) => embedText)).toEqual([
        'added\nfunction added() {}',
      ])
      expect(await paths('gone')).toEqual([])
      expect(await paths('added')).toEqual(['a.ts'])
    })

    test('equal hashes share one vector: the second file is not pending', async () => {
      const same = chunk('const shared = 1', { symbol: 'shared' })
      await store.putFiles([file('a.ts', [same])])
      await embedPending(store, DIMENSIONS)
      await store.putFiles([file('b.ts', [same])])
      expect((await store.counts()).pending).toBe(0)
      expect((await paths('shared', vectorOf(same.embedText, DIMENSIONS))).sort()).toEqual(['a.ts', 'b.ts'])
    })

    test('pending names equal texts once and at most the limit', async () => {
      const same = chunk('const same = 1', { embedText: 'whole other text' })
      await store.putFiles([file('a.ts', [same, chunk('let b')]), file('b.ts', [same])])
      expect((await store.counts()).pending).toBe(3)
      const pending = await store.pending(10)
      expect(pending.map(({ embedText }) => embedText).sort()).toEqual([
        '.\nlet b'.slice(1),
        'whole other text',
      ])
      expect(await store.pending(1)).toHaveLength(1)
    })

    test('pending begins with what was saved last, also when it replaces an old file', async () => {
      const backlog = Array.from({ length: 50 }, (_, number) => madeUpFile(number, 0))
      await store.putFiles(backlog)
      await store.putFiles([file('new.ts', [chunk('let added')])])
      expect((await store.pending(2))[0]!.embedText).toBe('\nlet added')
      await store.putFiles([file(backlog[3]!.path, [chunk('let saved'), chunk('let too')])])
      const texts = (await store.pending(3)).map(({ embedText }) => embedText)
      expect(texts).toEqual(['\nlet too', '\nlet saved', '\nlet added'])
    })

    test('a moved file keeps its vectors, whichever of put and remove comes first', async () => {
      const chunks = [chunk('function moved() {}', { symbol: 'moved' })]
      await store.putFiles([file('old.ts', chunks)])
      await embedPending(store, DIMENSIONS)
      await store.removeFiles(['old.ts'])
      await store.putFiles([file('new.ts', chunks)])
      expect((await store.counts()).pending).toBe(0)
      expect(await paths('zzz', vectorOf(chunks[0]!.embedText, DIMENSIONS))).toEqual(['new.ts'])
      await store.putFiles([file('newer.ts', chunks)])
      await store.removeFiles(['new.ts'])
      expect((await store.counts()).pending).toBe(0)
      expect(await paths('zzz', vectorOf(chunks[0]!.embedText, DIMENSIONS))).toEqual(['newer.ts'])
    })

    test('a removed file is gone from every arm at once', async () => {
      const text = 'function vanishingAct() {}'
      await store.putFiles([
        file('a.ts', [chunk(text, { symbol: 'vanishingAct' })]),
        file('b.ts', [chunk('let b')]),
      ])
      await embedPending(store, DIMENSIONS)
      const vector = vectorOf(`vanishingAct\n${text}`, DIMENSIONS)
      expect((await paths('vanishingAct', vector))[0]).toBe('a.ts')
      await store.removeFiles(['a.ts', 'never-there.ts'])
      expect(await paths('vanishingAct', vector)).toEqual(['b.ts'])
      expect(await paths('vanishingAct')).toEqual([])
      expect(await store.counts()).toEqual({ files: 1, chunks: 1, pending: 0 })
    })

    test('the vectors of removed chunks do not crowd out those that remain', async () => {
      const near = vectorOf('query', DIMENSIONS)
      const gone = Array.from({ length: 300 }, (_, at) => chunk(`let gone${at}`))
      const stays = chunk('let stays')
      await store.putFiles([file('gone.ts', gone), file('stays.ts', [stays])])
      for (const { hash } of gone) await store.putVectors([hash], near)
      await store.putVectors([stays.hash], vectorOf('far', DIMENSIONS))
      await store.removeFiles(['gone.ts'])
      expect(await paths('zzz', near)).toEqual(['stays.ts'])
    })

    test('touching a file changes its stamp and nothing else', async () => {
      const put = file('a.ts', [chunk('let a')])
      await store.putFiles([put])
      await embedPending(store, DIMENSIONS)
      await store.touchFiles([{ path: 'a.ts', sizeBytes: put.sizeBytes, mtimeMs: 5, hash: put.hash }])
      expect(await store.files()).toMatchObject([{ path: 'a.ts', mtimeMs: 5 }])
      expect(await store.counts()).toEqual({ files: 1, chunks: 1, pending: 0 })
    })

    test('[vector-safe] another fingerprint keeps files and chunks, and all are pending', async () => {
      await store.putFiles([madeUpFile(1, 0), madeUpFile(2, 0)])
      await embedPending(store, DIMENSIONS)
      const { files, chunks } = await store.counts()
      await reopen({ fingerprint: 'second', dimensions: 8 })
      expect(await store.counts()).toEqual({ files, chunks, pending: chunks })
      await embedPending(store, 8)
      await reopen({ fingerprint: 'second', dimensions: 8 })
      expect((await store.counts()).pending).toBe(0)
      const text = (await store.search({ text: 'handle1Part0', limit: 1, explain: false })).hits[0]!.text
      expect(await paths('zzz', vectorOf(`handle1Part0\n${text}`, 8))).toContain('src/room1/file1.ts')
    })

    test('vectors of a wrong length or with a number that is not finite are refused, nothing is written', async () => {
      const put = chunk('let a')
      await store.putFiles([file('a.ts', [put])])
      await expect(store.putVectors([put.hash], new Float32Array(DIMENSIONS - 1))).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
      })
      const bad = vectorOf('x', DIMENSIONS)
      bad[3] = Number.NaN
      await expect(store.putVectors([put.hash], bad)).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
      expect((await store.counts()).pending).toBe(1)
    })

    test("a caller's vectors stay usable after putVectors", async () => {
      const put = chunk('let a')
      await store.putFiles([file('a.ts', [put])])
      const vectors = vectorOf('x', DIMENSIONS)
      await store.putVectors([put.hash], vectors)
      expect(vectors).toHaveLength(DIMENSIONS)
    })

    test('searches answer while a write runs, and writes end in their order', async () => {
      const many = Array.from({ length: 400 }, (_, number) => madeUpFile(number, 0))
      let written = false
      const writing = store.putFiles(many).then(() => {
        written = true
      })
      const last = store.putFiles([
        file(many[0]!.path, [chunk('function lastWord() {}', { symbol: 'lastWord' })]),
      ])
      let answered = 0
      while (!written) {
        await store.search({ text: 'handle3Part0', limit: 5, explain: false })
        if (!written) answered += 1
      }
      await Promise.all([writing, last])
      expect(answered).toBeGreaterThan(0)
      expect((await store.counts()).files).toBe(400)
      expect(await paths('lastWord')).toEqual([many[0]!.path])
    })

    test('the nearest vectors are found exactly among many', async () => {
      const texts = Array.from({ length: 600 }, (_, at) => `text number ${at}`)
      await store.putFiles([
        file(
          'many.ts',
          texts.map((text) => chunk(text, { embedText: text })),
        ),
      ])
      await embedPending(store, DIMENSIONS)
      for (const text of texts.slice(0, 20)) {
        const answer = await store.search({
          text: '',
          vector: vectorOf(text, DIMENSIONS),
          limit: 1,
          explain: false,
        })
        expect(answer.hits[0]!.text).toBe(text)
      }
    })

    test('identifiers are found whole, by their parts, and by any three letters', async () => {
      await store.putFiles([
        file('src/auth.ts', [chunk('function parseJwtExpiry(token) {}', { symbol: 'parseJwtExpiry' })]),
        file('src/other.ts', [chunk('function parse(text) {}\nlet expiry_date', { symbol: 'parse' })]),
        file('src/noise.ts', [chunk('function unrelated() {}', { symbol: 'unrelated' })]),
      ])
      expect((await paths('parseJwtExpiry'))[0]).toBe('src/auth.ts')
      expect((await paths('jwt expiry'))[0]).toBe('src/auth.ts')
      expect(await paths('wtExpi')).toEqual(['src/auth.ts'])
      expect((await paths('expiry_date'))[0]).toBe('src/other.ts')
      expect((await paths('where is the token parsed?')).slice(0, 2).sort()).toEqual([
        'src/auth.ts',
        'src/other.ts',
      ])
    })

    test.each([
      '"',
      "'; DROP TABLE files; --",
      'a AND OR NOT',
      '*',
      'NEAR(',
      '\u0000',
      '💥'.repeat(50),
      'x'.repeat(100_000),
      'name:foo',
      '   ',
    ])('the query %j is text, never syntax', async (text) => {
      await store.putFiles([file('a.ts', [chunk('let a')])])
      await expect(store.search({ text, limit: 5, explain: true })).resolves.toHaveProperty('hits')
    })

    test('a closed store refuses calls', async () => {
      await store.close()
      await expect(store.counts()).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    })
  })
}
