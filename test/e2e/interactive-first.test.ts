/** A person who waits while the server indexes. Orders are asserted, never speeds. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { embed, pidOf, requestsOf, search, statusOf, until } from '../support/api.ts'
import { whileFrozen } from '../support/at-work.ts'
import { MadeUpTree, source } from '../support/made-up-tree.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const FILES = 500
const FUNCTIONS = 8

let tree: MadeUpTree
let server: TestServer
beforeAll(async () => {
  tree = await MadeUpTree.make(FILES, FUNCTIONS)
  server = await startTestServer({ projects: [tree.root] })
})
afterAll(async () => {
  await server?.stop()
  await tree?.remove()
})

const pending = async () => (await statusOf(server)).projects[0]?.progress?.chunksPending ?? 0

test('[interactive-first] while a project is indexed, questions are answered and the index goes on', async () => {
  await until(async () => (await pending()) > 2000, 'a backlog')
  const before = await pending()
  for (let count = 0; count < 10; count += 1) {
    const response = await embed(server, `where are the orders of region ${count} added up?`)
    expect(response.status).toBe(200)
    expect((await search(server, `orders of region ${count}`)).length).toBeGreaterThan(0)
  }
  const after = await pending()
  expect(after).toBeGreaterThan(0) // twenty questions were answered before the index was done
  await until(async () => (await pending()) < Math.min(before, after), 'the index goes on')
})

test('[interactive-first] a person who comes last is answered before bulk that came first', async () => {
  const ended: string[] = []
  const note = async (what: string, answer: Promise<Response>) => {
    const response = await answer
    const { data } = (await response.json()) as { data: unknown[] }
    ended.push(`${what} ${response.status} ${data.length}`)
  }
  const texts = Array.from({ length: 200 }, (_, at) => source(at, 2))
  const answers = await whileFrozen(await pidOf(server, 'embed'), async () => {
    const before = await requestsOf(server, 'embed', 'bulk')
    const bulk = note('bulk', embed(server, texts))
    await until(async () => (await requestsOf(server, 'embed', 'bulk')) > before, 'the bulk waits')
    const people = ['first', 'second', 'third'].map((who) => note(who, embed(server, `${who} question`)))
    await until(async () => (await requestsOf(server, 'embed', 'interactive')) >= 3, 'the people wait')
    return [bulk, ...people]
  })
  await Promise.all(answers)
  expect(ended).toHaveLength(4)
  expect(ended.at(-1)).toBe('bulk 200 200')
  expect([...ended.slice(0, 3)].sort()).toEqual(['first 200 1', 'second 200 1', 'third 200 1'])
})
