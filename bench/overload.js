#!/usr/bin/env node
// Ten times the requests that the machine can answer: what is still answered, how fast the rest is refused, who goes first.
import { setTimeout as sleep } from 'node:timers/promises'
import { generateLoad } from './lib/load.js'
import { Connection, postBytes } from './lib/raw-http.js'
import { median, quantile, report } from './lib/report.js'
import { startServer, untilReady } from './lib/server.js'

const SECONDS = 8
const TIMES = 10
/** Clients at once that find the most that a machine answers. */
const CLIENTS = 64
const INTERACTIVE_SHARE = 0.02
const CONNECTIONS = 2000

const PATH = '/v1/embeddings'
const MODEL = 'tandem-embed-small'
const TEXT = 'export function takeBatch(queue, maxTokens) { return queue.slice(0, maxTokens) } '

const MACHINES = [
  {
    name: 'simulated reference PC',
    // about 150 texts/s, so that the load generator and two cores are enough for ten times as many
    settings: { TANDEM_SIMULATE_MACHINE: 'core-ultra-265k-b580', TANDEM_PLACEMENT_POLICY: 'development' },
    inputs: 8,
  },
  { name: 'this machine, CPU', settings: { TANDEM_CALIBRATION_WHEN_IDLE: 'false' }, inputs: 8 },
]

const wanted = process.argv.slice(2)
const rows = []
for (const machine of MACHINES)
  if (wanted.length === 0 || wanted.some((name) => machine.name.includes(name))) await overload(machine)
report('overload', rows)

async function overload({ name, settings, inputs }) {
  const server = await startServer([], settings)
  try {
    await untilReady(server.url)
    const input = Array.from({ length: inputs }, (_, at) => `${TEXT.repeat(4)} ${at}`)
    const bulk = {
      name: 'bulk',
      path: PATH,
      body: { model: MODEL, input, encoding_format: 'base64' },
      headers: { 'x-tandem-priority': 'bulk' },
    }
    const interactive = {
      name: 'interactive',
      path: PATH,
      body: { model: MODEL, input: 'where is a batch taken?', encoding_format: 'base64' },
      headers: { 'x-tandem-priority': 'interactive' },
    }
    const before = await capacity(server.url, bulk)
    const idleMs = median(await latencies(server.url, interactive, 30))
    const perSecond = before * TIMES
    const seen = await generateLoad(
      server.url,
      [
        { ...bulk, perSecond, connections: CONNECTIONS },
        { ...interactive, perSecond: before * INTERACTIVE_SHARE * TIMES, connections: 200 },
      ],
      { seconds: SECONDS, warmSeconds: 3 },
    )
    const after = await capacity(server.url, bulk)
    const most = (before + after) / 2
    const { retryAfterS } = seen.bulk
    const told = median(retryAfterS)
    await sleep(1000)
    const goodput = seen.bulk.ok / SECONDS
    rows.push(
      {
        what: `${name}: most that ${CLIENTS} clients get`,
        value: most,
        unit: 'requests/s',
        note: `bulk, ${inputs} texts each`,
      },
      {
        what: `${name}: sent`,
        value: (seen.bulk.sent + seen.bulk.unsent) / SECONDS,
        unit: 'requests/s',
        note: `${seen.bulk.unsent} had no free connection`,
      },
      { what: `${name}: answered under it / the most`, value: goodput / most, unit: '', target: 0.9 },
      {
        what: `${name}: refusals (median)`,
        value: median(seen.bulk.refusedMs),
        unit: 'ms',
        note: `${seen.bulk.refused} of ${seen.bulk.sent}`,
      },
      {
        what: `${name}: refusals, 99th percentile`,
        value: quantile(seen.bulk.refusedMs, 0.99),
        unit: 'ms',
        target: 50,
        better: 'less',
      },
      {
        what: `${name}: refusals that say when to come again`,
        value: retryAfterS.filter((s) => s >= 1).length / retryAfterS.length,
        unit: '',
        target: 1,
        note: `${told} s (median)`,
      },
      {
        what: `${name}: what those who waited for an answer took (median)`,
        value: median(seen.bulk.okMs),
        unit: 'ms',
        note: 'bulk',
      },
      {
        what: `${name}: the same of interactive requests`,
        value: median(seen.interactive.okMs),
        unit: 'ms',
        note: `${idleMs.toFixed(1)} ms on an idle server`,
      },
      {
        what: `${name}: interactive requests answered / sent`,
        value: seen.interactive.ok / (seen.interactive.sent + seen.interactive.unsent),
        unit: '',
        target: 0.95,
        note: `${seen.interactive.ok} of ${seen.interactive.sent}; some are under way when the time begins and ends`,
      },
      {
        what: `${name}: interactive requests refused`,
        value: seen.interactive.refused,
        unit: 'requests',
        target: 0,
        better: 'less',
      },
      {
        what: `${name}: broken or failed otherwise`,
        value: seen.bulk.failed + seen.interactive.failed,
        unit: 'requests',
        target: 0,
        better: 'less',
      },
    )
    const failures = { ...seen.bulk.failures, ...seen.interactive.failures }
    if (Object.keys(failures).length > 0) console.error(failures)
    rows.push(await returning(name, server.url, bulk, most))
  } finally {
    await server.stop()
  }
}

/** Requests/s of clients that send the next one when they have the answer. */
async function capacity(url, { path, body, headers }) {
  const bytes = postBytes(url, path, body, headers)
  let answered = 0
  let counts = false
  let ends = false
  const clients = Array.from({ length: CLIENTS }, async () => {
    const connection = new Connection(url)
    while (!ends) {
      const { status, body: text } = await connection.send(bytes)
      if (status !== 200) throw new Error(`${status} ${text}`)
      if (counts) answered++
    }
    connection.close()
  })
  await sleep(1500)
  counts = true
  const startedMs = performance.now()
  await sleep(4000)
  counts = false
  const seconds = (performance.now() - startedMs) / 1000
  ends = true
  await Promise.all(clients)
  return answered / seconds
}

async function latencies(url, { path, body, headers }, count) {
  const bytes = postBytes(url, path, body, headers)
  const connection = new Connection(url)
  const ms = []
  for (let at = 0; at < count; at++) {
    const startedMs = performance.now()
    await connection.send(bytes)
    ms.push(performance.now() - startedMs)
  }
  connection.close()
  return ms
}

/** Fills the queue once; those who are refused come again when they were told to. */
async function returning(name, url, { path, body, headers }, most) {
  const bytes = postBytes(url, path, body, headers)
  const count = 400
  let refused = 0
  let second = 0
  await Promise.all(
    Array.from({ length: count }, async () => {
      const connection = new Connection(url)
      const first = await connection.send(bytes)
      if (first.status === 429) {
        refused++
        const seconds = Number(/^retry-after: (\d+)/im.exec(first.head)?.[1])
        await sleep(seconds * 1000)
        if ((await connection.send(bytes)).status === 200) second++
      }
      connection.close()
    }),
  )
  return {
    what: `${name}: answered when they came again after the time that they were told`,
    value: refused > 0 ? second / refused : Number.NaN,
    unit: '',
    target: 0.9,
    note: `${refused} of ${count} at once were refused; ${most.toFixed(0)}/s are answered`,
  }
}
