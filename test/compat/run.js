#!/usr/bin/env node
// `npm run compat`: Node 20 runs no TypeScript, so this strips the types while modules load.
import { register } from 'node:module'
import { buildIfStale } from '../../bin/build.js'

buildIfStale()
register('../support/type-stripper.js', import.meta.url)
const { main } = await import('./main.ts')
process.exit(await main(process.argv.slice(2)))
