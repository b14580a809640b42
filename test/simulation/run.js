#!/usr/bin/env node
// `npm run simulate`: Node 20 runs no TypeScript, so this strips the types while modules load.
import { register } from 'node:module'

register('../support/type-stripper.js', import.meta.url)
const { main } = await import('./main.ts')
process.exitCode = await main(process.argv.slice(2))
