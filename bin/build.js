#!/usr/bin/env node
// Compiles src/ to dist/ when a source file is newer than the last build; a package that ships dist/ has no src/.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'dist', '.built')

function newestSourceMs() {
  const files = ['package.json', 'tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name))
  for (const entry of readdirSync(join(root, 'src'), { recursive: true })) {
    const file = join(root, 'src', String(entry))
    if (/\.(ts|html|css|js)$/.test(file)) files.push(file)
    else if (!/\.[a-z]+$/.test(file)) files.push(file) // a folder's time tells of deleted files
  }
  return Math.max(...files.map((file) => statSync(file).mtimeMs))
}

/** @returns {boolean} whether something was built */
export function buildIfStale() {
  if (!existsSync(join(root, 'src'))) return false
  const startedMs = Date.now()
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= newestSourceMs()) return false
  process.stderr.write('tandem: building (first use, or the sources changed) ...\n')
  const fresh = join(root, `dist-${process.pid}`) // built aside: a server that runs from dist/ keeps its files
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  const built = spawnSync(
    process.execPath,
    [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', fresh],
    {
      stdio: ['ignore', 2, 2],
    },
  )
  if (built.status !== 0) {
    rmSync(fresh, { recursive: true, force: true })
    process.stderr.write('tandem: the build failed; see the messages above\n')
    process.exit(1)
  }
  writeFileSync(join(fresh, '.built'), '')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  renameSync(fresh, join(root, 'dist'))
  process.stderr.write(`tandem: built in ${((Date.now() - startedMs) / 1000).toFixed(1)} s\n`)
  return true
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) buildIfStale()
