#!/usr/bin/env node
// Indexing a real tree through the server against the bare session on the same texts: the encoder must never wait.
// Then how soon a search finds what is saved.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { indexProject } from './lib/indexed.js'
import { openRaw } from './lib/raw-onnxruntime.js'
import { median, report } from './lib/report.js'
import { call, startServer } from './lib/server.js'
import { writeTree } from './lib/tree.js'

const CHUNKS = Number(process.argv[2] ?? 3000)

const SAVES = 15
/** The promise to the person who saves, milliseconds. */
const FOUND_WITHIN_MS = 1000

/** @returns milliseconds from the save of a new file to the search that finds it */
async function savedAndFound(url, number) {
  const query = `lighthouseLamp${number}`
  writeFileSync(join(tree, `${query}.ts`), `export function ${query}() {\n  return ${number}\n}\n`)
  const startedMs = performance.now()
  for (;;) {
    const { results } = await call(`${url}/tandem/v1/search`, { query, limit: 5 })
    if (results.some(({ path }) => path === `${query}.ts`)) return performance.now() - startedMs
  }
}

const tree = mkdtempSync(join(tmpdir(), 'tandem-tree-'))
const { files, texts } = writeTree(tree, CHUNKS)
const distinct = [...new Set(texts)]
const raw = await openRaw(distinct, 1)
// the best batch size shows on a part of the texts as well
const sample = await openRaw(
  distinct.filter((_, at) => at % 10 === 0),
  1,
)
const server = await startServer()
try {
  const { batchSize } = await sample.best()
  const before = await raw.measure(batchSize)
  const { status, seconds } = await indexProject(server.url, tree, 'tree')
  const after = await raw.measure(batchSize)
  const found = []
  for (let number = 0; number < SAVES; number++) found.push(await savedAndFound(server.url, number))
  const limit = (before + after) / 2
  const rate = status.embedded / seconds
  report('indexing', [
    { what: 'files', value: files, unit: '' },
    { what: 'chunks embedded', value: status.embedded, unit: '' },
    {
      what: `bare session on the same texts (batch ${batchSize}, 1 thread)`,
      value: limit,
      unit: 'chunks/s',
      note: `${before.toFixed(0)} before, ${after.toFixed(0)} after`,
    },
    { what: 'index, from the request until it is complete', value: rate, unit: 'chunks/s' },
    { what: 'index / bare session', value: rate / limit, unit: '', target: 0.85 },
    {
      what: 'a saved file is found, median',
      value: median(found),
      unit: 'ms',
      target: FOUND_WITHIN_MS,
      better: 'less',
      note: `${Math.min(...found).toFixed(0)} to ${Math.max(...found).toFixed(0)}`,
    },
  ])
} finally {
  await sample.close()
  await raw.close()
  await server.stop()
  rmSync(tree, { recursive: true, force: true })
}
