/** A project that onnxruntime indexed, served by openvino after a restart. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { SearchHit } from '../../src/domain/index.ts'
import { engineReady, indexed, post, statusOf, until } from '../support/api.ts'
import { MadeUpTree, source } from '../support/made-up-tree.ts'
import { describeOpenVino, openVinoFolder } from '../support/openvino.ts'
import { readIndex } from '../support/read-index.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const FILES = 12
const QUERIES = [
  'sumOrders3Part1',
  'adds up the orders of region 7',
  'which function totals what the report needs?',
]

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task()
})

async function started(home: string, config: Record<string, unknown>, projects: string[] = []) {
  const server = await startTestServer({ home, config, projects })
  cleanUp.push(async () => {
    server.signal('SIGKILL')
    await server.exited
  })
  return server
}

/** Bulk is not sent to a second worker because the first one is slow. */
const CALM = { 'x-tandem-priority': 'bulk' }

interface Found {
  readonly engine: string | null
  readonly fallback: string | null
  readonly hits: SearchHit[]
}

async function find(server: TestServer, query: string): Promise<Found> {
  const response = await post(server, '/tandem/v1/search', { query, limit: 5 }, CALM)
  const { results } = (await response.json()) as { results: SearchHit[] }
  const { headers } = response
  return { engine: headers.get('x-tandem-engine'), fallback: headers.get('x-tandem-fallback'), hits: results }
}

const places = ({ hits }: Found) =>
  hits.map(({ path, startLine, endLine }) => `${path}:${startLine}-${endLine}`)

// SIGSTOP is Unix's.
describe.skipIf(process.platform === 'win32')('an engine is switched', () => {
  describeOpenVino('an index of onnxruntime', () => {
    test('[vector-safe] is served by openvino without embedding it again; a saved file is embedded by openvino alone', async () => {
      const tree = await MadeUpTree.make(FILES, 3)
      cleanUp.push(() => tree.remove())
      const home = await mkdtemp(join(tmpdir(), 'tandem-home-'))
      cleanUp.push(() => rm(home, { recursive: true, force: true }))

      const first = await started(home, {}, [tree.root])
      const { chunks } = await indexed(first)
      const before = await Promise.all(QUERIES.map((query) => find(first, query)))
      expect(before.map(({ engine }) => engine)).toEqual(QUERIES.map(() => 'onnxruntime'))
      expect(before.every(({ hits }) => hits.length > 0)).toBe(true)
      await first.stop()
      const original = readIndex(home)
      expect(original.chunks.every(({ vector }) => vector)).toBe(true)

      const config = { openvino: { folder: openVinoFolder }, placement: { embed: 'openvino@CPU' } }
      const second = await started(home, config)
      await engineReady(second, 'openvino')
      expect(await indexed(second)).toMatchObject({ files: FILES, chunks, embedded: 0 })
      const after = await Promise.all(QUERIES.map((query) => find(second, query)))
      for (const [at, found] of after.entries()) {
        expect(found).toMatchObject({ engine: 'openvino', fallback: null })
        // on a processor without VNNI int8 vectors of two engines differ enough to swap neighbours, also across the end of the list
        const [now, then] = [places(found), places(before[at]!)]
        expect(now[0]).toBe(then[0])
        expect(now.filter((place) => then.includes(place)).length).toBeGreaterThanOrEqual(then.length - 2)
      }

      // who cannot run cannot embed: what follows is openvino's work
      const { pid } = await engineReady(second, 'onnxruntime')
      process.kill(pid!, 'SIGSTOP')
      const path = tree.paths[0]!
      await tree.write(path, source(4711, 2))
      await until(
        async () => (await find(second, 'sumOrders4711Part1')).hits[0]?.path === path,
        'the saved file in the search',
      )
      await until(async () => (await statusOf(second)).projects[0]!.state === 'ready', 'the index')
      const [project] = (await statusOf(second)).projects
      await second.stop()

      const changed = readIndex(home)
      expect(changed.integrity).toBe('ok')
      const fresh = changed.chunks.filter((chunk) => chunk.path === path)
      expect(fresh.length).toBeGreaterThan(0)
      expect(project!.embedded).toBe(fresh.length)
      const others = (content: typeof original) => content.chunks.filter((chunk) => chunk.path !== path)
      expect(others(changed)).toEqual(others(original)) // to the bit: nothing else was embedded
    })
  })
})
