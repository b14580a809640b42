#!/usr/bin/env node
// Writes docs/configuration.md and docs/cli.md from the schema and the commands; `--check` fails when they are stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildIfStale } from '../bin/build.js'

buildIfStale()
const { cliReference, configurationReference } = await import('../dist/cli/reference.js')
const docs = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs')
const pages = { 'configuration.md': configurationReference(), 'cli.md': cliReference() }

let stale = 0
mkdirSync(docs, { recursive: true })
for (const [name, text] of Object.entries(pages)) {
  const file = join(docs, name)
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (read(file) !== text) {
    process.stderr.write(`docs/${name} is stale; run \`node scripts/generate-docs.js\`\n`)
    stale += 1
  }
}
process.exitCode = stale > 0 ? 1 : 0

function read(file) {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n')
  } catch {
    return '' // a page that is missing is stale
  }
}
