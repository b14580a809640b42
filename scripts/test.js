#!/usr/bin/env node
// `npm test`: the whole suite; arguments are passed on to vitest (`npm run test:peers` is another configuration).
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const run = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], { stdio: 'inherit' })
process.exit(run.status ?? 1)
