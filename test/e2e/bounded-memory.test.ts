/** A repository of many small files through the real server. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryOf } from '../processes.ts'
import { indexed, search } from '../support/api.ts'
import { MadeUpTree } from '../support/made-up-tree.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const FILES = 5000
const MIB = 1024 * 1024
/** Of the main process, which holds the index store too; an idle server has about 150 MiB. */
const AT_THE_END_BYTES = 250 * MIB
const PEAK_BYTES = 400 * MIB

let tree: MadeUpTree
let server: TestServer
beforeAll(async () => {
  tree = await MadeUpTree.make(0, 0)
  for (let at = 0; at < FILES; at += 1)
    await tree.write(`src/room${at % 50}/file${at}.ts`, `export function f${at}() {\n  return ${at}\n}\n`)
  server = await startTestServer({ projects: [tree.root] })
})
afterAll(async () => {
  await server?.stop()
  await tree?.remove()
})

test(`[bounded] ${FILES} files are indexed within bounded memory`, async () => {
  const project = await indexed(server)
  expect(project).toMatchObject({ files: FILES, chunks: FILES, embedded: FILES })
  expect((await search(server, 'f4321'))[0]!.path).toBe('src/room21/file4321.ts')
  // Only Linux tells another process's memory without a helper program; elsewhere the index alone is checked.
  if (process.platform !== 'linux') return
  const { nowBytes, peakBytes } = memoryOf(server.pid)
  expect(nowBytes / MIB).toBeLessThan(AT_THE_END_BYTES / MIB)
  expect(peakBytes / MIB).toBeLessThan(PEAK_BYTES / MIB)
})
