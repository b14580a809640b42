#!/usr/bin/env node
// `npm run bench [NAME...]`: the benchmarks one after the other, each in a process of its own.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const BENCHMARKS = [
  'embeddings',
  'encoders',
  'chat',
  'together',
  'cost',
  'overload',
  'indexing',
  'search',
  'retrieval',
  'answers',
  'memory',
  'planner',
  'placement',
  'recovery',
  'rag',
]

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !BENCHMARKS.includes(name))
if (unknown) {
  console.error(`there is no benchmark "${unknown}"; allowed: ${BENCHMARKS.join(', ')}`)
  process.exit(2)
}
let failed = false
for (const name of wanted.length > 0 ? wanted : BENCHMARKS) {
  const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
  failed = spawnSync(process.execPath, [file], { stdio: 'inherit' }).status !== 0 || failed
}
process.exit(failed ? 1 : 0)
