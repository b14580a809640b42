/** kill -9 of the whole server while it indexes, again and again, with edits in between. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { workersOf } from '../processes.ts'
import { indexed, search, statusOf, until } from '../support/api.ts'
import { MadeUpTree, random } from '../support/made-up-tree.ts'
import { cosine, type IndexContent, readIndex } from '../support/read-index.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const KILLS = 20
const FILES = 60
const FUNCTIONS = 4
const SEED = 20_260_728
/** From the first answer of `/health` on; on a machine that has its first vectors sooner, twice as long as it needs for them. */
const LONGEST_LIFE_MS = 1500
/** Dynamic int8 makes a vector depend a little on what shares its batch: .99979 has been seen. */
const SAME_VECTOR = 0.9995
const SUM = /^sumOrders\d+Part\d+$/

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task()
})

async function started(home: string, projects: readonly string[], early: boolean): Promise<TestServer> {
  const server = await startTestServer({ home, projects, early })
  cleanUp.push(async () => {
    server.signal('SIGKILL')
    await server.exited
  })
  return server
}

async function newHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'tandem-home-'))
  cleanUp.push(() => rm(home, { recursive: true, force: true }))
  return home
}

/** Some of everything that a person does to files, so that each life has something to catch up with. */
async function edit(tree: MadeUpTree, next: () => number): Promise<void> {
  const any = () => Math.floor(next() * tree.paths.length)
  for (let count = 0; count < 24; count += 1) await tree.change(any(), FUNCTIONS)
  for (let count = 0; count < 2; count += 1) await tree.move(any())
  for (let count = 0; count < 2; count += 1) await tree.delete(any())
  for (let count = 0; count < 2; count += 1) await tree.add(FUNCTIONS)
}

/** Where the names of the first version of each file are found; of changed and deleted files they are gone. */
async function firstPlaces(server: TestServer): Promise<(string | undefined)[]> {
  const places: (string | undefined)[] = []
  for (let serial = 1; serial <= FILES; serial += 1) {
    const name = `sumOrders${serial}Part0`
    const hit = (await search(server, name)).find(({ text }) => text.includes(name))
    places.push(hit && `${hit.path}:${hit.startLine}`)
  }
  return places
}

const shapes = (content: IndexContent) => content.chunks.map(({ vector: _, ...shape }) => shape)

test(`[nothing-lost] a server killed ${KILLS} times while it indexes leaves an index that catches up and equals a fresh one`, async () => {
  const next = random(SEED)
  const tree = await MadeUpTree.make(FILES, FUNCTIONS)
  cleanUp.push(() => tree.remove())
  const home = await newHome()
  let killedAtWork = 0
  let killedAmidVectors = 0
  let longestMs = LONGEST_LIFE_MS
  for (let kill = 0; kill < KILLS; kill += 1) {
    const server = await started(home, kill === 0 ? [tree.root] : [], true)
    const startedMs = performance.now()
    // Every other life is long enough to store vectors, however slowly the models load.
    if (kill % 2 === 1) {
      await until(async () => ((await statusOf(server)).projects[0]?.embedded ?? 0) > 0, 'vectors')
      longestMs = Math.min(LONGEST_LIFE_MS, 2 * (performance.now() - startedMs))
    }
    await sleep(next() * (kill % 2 === 1 ? longestMs / 10 : longestMs))
    const [project] = (await statusOf(server)).projects
    if (project?.state === 'indexing') {
      killedAtWork += 1
      if (project.embedded > 0) killedAmidVectors += 1
    }
    server.signal('SIGKILL')
    await server.exited
    if (process.platform === 'linux')
      await until(() => workersOf(server.pid).length === 0, 'the workers go with their server')
    await edit(tree, next)
  }
  // Else the kills would show nothing.
  expect(killedAtWork).toBeGreaterThan(KILLS / 4)
  expect(killedAmidVectors).toBeGreaterThan(0)

  const survivor = await started(home, [], false)
  await indexed(survivor)
  expect(survivor.log()).not.toContain('set aside')
  const found = await firstPlaces(survivor)
  expect(await survivor.stop()).toBe(0)

  const freshHome = await newHome()
  const fresh = await started(freshHome, [tree.root], false)
  await indexed(fresh)
  expect(found).toEqual(await firstPlaces(fresh))
  expect(await fresh.stop()).toBe(0)

  const [kept, wanted] = [readIndex(home), readIndex(freshHome)]
  expect(kept.integrity).toBe('ok')
  expect(wanted.files).toHaveLength(tree.paths.length)
  expect(wanted.chunks.filter(({ symbol }) => SUM.test(symbol ?? '')).length).toBeGreaterThan(FILES)
  expect(kept.files).toEqual(wanted.files)
  expect(shapes(kept)).toEqual(shapes(wanted))
  for (const [at, { vector, path }] of kept.chunks.entries()) {
    const other = wanted.chunks[at]!.vector
    if (!vector || !other) throw new Error(`${path} has a chunk without a vector`)
    expect(cosine(vector, other)).toBeGreaterThanOrEqual(SAME_VECTOR)
  }
})
