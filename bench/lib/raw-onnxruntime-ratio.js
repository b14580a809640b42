#!/usr/bin/env node
// The engine's own cost: `embed` in this process against the bare session, same texts and threads, turn and turn about.
// CPU time decides: on a shared machine the wall clock measures the neighbours.
import { engine } from '../../dist/engines/onnxruntime/child.js'
import { codeTexts, embeddingModel, openRaw } from './raw-onnxruntime.js'
import { median } from './report.js'

const ROUNDS = 7
const threads = Number(process.argv[2] ?? 1)
const texts = await codeTexts(128)
const model = await embeddingModel()
const raw = await openRaw(texts, threads)
const child = await engine.load({ model, task: 'embed', device: 'cpu', threads })
const never = new AbortController().signal

async function timed(work) {
  const cpu = process.cpuUsage()
  const started = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { wall: performance.now() - started, cpu: (user + system) / 1000 }
}

const SIZES = [1, 2, 4, 8, 16, 32]
const bySize = new Map(SIZES.map((size) => [size, []]))
const own = []
for (let round = 0; round < ROUNDS; round++) {
  for (const size of SIZES) bySize.get(size).push(await timed(() => raw.measure(size)))
  own.push(await timed(() => child.embed(texts, 'passage', never)))
}
const rate = (runs, clock) => (texts.length / median(runs.map((run) => run[clock]))) * 1000
for (const clock of ['wall', 'cpu']) {
  const sizes = SIZES.map((size) => ({ size, rate: rate(bySize.get(size), clock) }))
  const limit = sizes.reduce((a, b) => (b.rate > a.rate ? b : a))
  const ours = rate(own, clock)
  const shown = sizes.map(({ size, rate }) => `${size}: ${rate.toFixed(1)}`).join('  ')
  console.log(`${clock} time, docs/s  raw by batch size  ${shown}`)
  console.log(
    `  embed ${ours.toFixed(1)}, ${(ours / limit.rate).toFixed(3)} of raw at its best size ${limit.size}`,
  )
}
await child.dispose()
await raw.close()
