#!/usr/bin/env node
// Search at 20,000 chunks, query embedding included, and what the main process weighs meanwhile.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { indexProject } from './lib/indexed.js'
import { machine, median, report } from './lib/report.js'
import { call, startServer } from './lib/server.js'
import { writeTree } from './lib/tree.js'

const CHUNKS = Number(process.argv[2] ?? 20_000)
const QUERIES = [
  'cancel a running request',
  'where is the type of an expression checked',
  'emit a source map for the output file',
  'resolveModuleName',
  'find all references of a symbol',
  'parse a template literal',
  'is this node a declaration',
  'createProgram',
  'how are diagnostics sorted and deduplicated',
  'watch files for changes',
  'narrow the type by a typeof guard',
  'string to number enum conversion',
]

/** Resident memory in MiB; Linux only. @param {number} pid */
function residentMiB(pid) {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line[1]) / 1024
}

const tree = mkdtempSync(join(tmpdir(), 'tandem-tree-'))
writeTree(tree, CHUNKS)
const server = await startServer()
try {
  const { status } = await indexProject(server.url, tree, 'tree')
  const search = (query) => call(`${server.url}/tandem/v1/search`, { query, project: 'tree', limit: 10 })
  for (const query of QUERIES) await search(query)
  const whole = []
  const embedding = []
  let peak = 0
  for (let round = 0; round < 10; round++)
    for (const query of QUERIES) {
      let started = performance.now()
      await search(`${query} ${round}`)
      whole.push(performance.now() - started)
      started = performance.now()
      await call(`${server.url}/v1/embeddings`, { model: 'tandem-embed-small', input: `${query} ${round}.` })
      embedding.push(performance.now() - started)
      if (machine().platform.startsWith('linux')) peak = Math.max(peak, residentMiB(server.pid))
    }
  const p95 = [...whole].sort((a, b) => a - b)[Math.floor(whole.length * 0.95)]
  report('search', [
    { what: 'chunks', value: status.chunks, unit: '' },
    { what: 'embedding of the query alone over HTTP, p50', value: median(embedding), unit: 'ms' },
    { what: 'search over HTTP, p50', value: median(whole), unit: 'ms', target: 15, better: 'less' },
    { what: 'search over HTTP, p95', value: p95, unit: 'ms' },
    { what: 'main process, resident memory', value: peak, unit: 'MiB', target: 250, better: 'less' },
  ])
} finally {
  await server.stop()
  rmSync(tree, { recursive: true, force: true })
}
