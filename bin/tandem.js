#!/usr/bin/env node
import { buildIfStale } from './build.js'

buildIfStale()
const { main } = await import('../dist/app.js')
await main(process.argv.slice(2))
