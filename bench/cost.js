#!/usr/bin/env node
// What the main process and HTTP cost: beside the same worker spoken to directly, at 1,000 requests/s, with 2,000 idle readers.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDirect } from './lib/direct.js'
import { generateLoad } from './lib/load.js'
import { cpuSeconds, residentBytes } from './lib/process.js'
import { postBytes, StreamConnection } from './lib/raw-http.js'
import { median, quantile, report } from './lib/report.js'
import { startServer, untilReady } from './lib/server.js'

const STREAMS = [1, 4, 16]
const REAL = { TANDEM_CHAT_SLOTS: '16', TANDEM_CALIBRATION_WHEN_IDLE: 'false' }
const SIMULATED = {
  ...REAL,
  TANDEM_SIMULATE_MACHINE: 'core-ultra-265k-b580',
  // 16 streams share a device of about 50 tokens/s: each gets what one person would
  TANDEM_SIMULATE_SPEED_UP: '16',
}
const EMBED_RATE = 1000
const EMBED_SECONDS = 8
const READERS = 2000
const LEAVING = 10
const WARM_ROUNDS = 100

const wanted = process.argv.slice(2)
const does = (part) => wanted.length === 0 || wanted.includes(part)
const rows = []

const QUESTION = 'Write about queue number 0. List every step of it in order.'
/** A chat for the first token, which reads a template; what is streamed for long are completions, all of the same length. */
const QUESTIONS = {
  chat: (round, at) => ({
    messages: [{ role: 'user', content: QUESTION.replace('0', round * 20 + at) }],
  }),
  complete: (round, at) => ({
    prompt: `Notes on the request queue of server number ${round * 20 + at}, point by point:\n\n1. `,
  }),
}
const PATHS = { chat: '/v1/chat/completions', complete: '/v1/completions' }

/** Between the first and the last piece of text: what comes before and after it is no token. */
function figures(startedMs, { firstMs, lastMs, tokens, workerMs }) {
  return {
    firstMs: firstMs - startedMs,
    aboveMs: firstMs - startedMs - workerMs,
    tokens,
    tokensPerSecond: ((tokens - 1) / (lastMs - firstMs)) * 1000,
  }
}

async function askWorker({ worker, model }, kind, round, at, maxTokens) {
  const request = { model, ...QUESTIONS[kind](round, at), sampling: { maxTokens, temperature: 0, stop: [] } }
  const chat = { ...request, responseFormat: { type: 'text' }, tools: [], toolChoice: 'none' }
  const startedMs = performance.now()
  let firstMs = 0
  let lastMs = 0
  const { usage, timings } = await worker[kind](kind === 'chat' ? chat : request, () => {
    lastMs = performance.now()
    firstMs ||= lastMs
  })
  return figures(startedMs, {
    firstMs,
    lastMs,
    tokens: usage.completionTokens,
    workerMs: timings.firstTokenMs,
  })
}

/** @param {import('./lib/raw-http.js').StreamConnection} connection */
async function askServer(connection, model, kind, round, at, maxTokens) {
  const body = {
    model,
    ...QUESTIONS[kind](round, at),
    max_tokens: maxTokens,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  }
  await connection.open()
  const startedMs = performance.now()
  let firstMs = 0
  let lastMs = 0
  const end = await connection.stream(PATHS[kind], body, (piece) => {
    if (!/"(content|text)":"[^"]/.test(piece.toString('latin1'))) return
    lastMs = performance.now()
    firstMs ||= lastMs
  })
  const tokens = Number(/"completion_tokens":(\d+)/.exec(end)?.[1])
  const workerMs = Number(/"firstTokenMs":([\d.]+)/.exec(end)?.[1])
  if (!(tokens > 0)) throw new Error(`no usage in the stream: ${end.slice(-300)}`)
  return figures(startedMs, { firstMs, lastMs, tokens, workerMs })
}

/** Turn and turn about, so that what else the machine does meets both. */
async function streaming(what, settings, { tokens, rounds, firstTokens }) {
  const direct = await startDirect('chat', settings)
  const server = await startServer([], settings)
  const connections = Array.from({ length: Math.max(...STREAMS) }, () => new StreamConnection(server.url))
  const ask = {
    direct: (kind, round, at, most) => askWorker(direct, kind, round, at, most),
    http: (kind, round, at, most) => askServer(connections[at], direct.model, kind, round, at, most),
  }
  const both = async (kind, round, count, most) => {
    const seen = {}
    for (const side of round % 2 === 0 ? ['direct', 'http'] : ['http', 'direct'])
      seen[side] = await Promise.all(
        Array.from({ length: count }, (_, at) => ask[side](kind, round, at, most)),
      )
    return seen
  }
  try {
    await untilReady(server.url)
    for (let round = 0; round < WARM_ROUNDS; round++) await both('chat', round, 4, 4)
    const firsts = []
    for (let round = 0; round < firstTokens; round++) firsts.push(await both('chat', round, 1, 4))
    const of = (side, key) => firsts.map((round) => round[side][0][key])
    // the time to the first token without what the worker says it took itself: the rest of the direct one is the worker's too
    // like is compared with like: the 99th percentile of one with that of the other
    const above = (share) => quantile(of('http', 'aboveMs'), share) - quantile(of('direct', 'aboveMs'), share)
    rows.push(
      {
        what: `${what}: first token, worker spoken to directly (median)`,
        value: median(of('direct', 'firstMs')),
        unit: 'ms',
      },
      {
        what: `${what}: first token, HTTP above it (median)`,
        value: above(0.5),
        unit: 'ms',
        target: 2,
        better: 'less',
      },
      {
        what: `${what}: the same, 99th percentile`,
        value: above(0.99),
        unit: 'ms',
        target: 5,
        better: 'less',
        note: `of ${firstTokens}`,
      },
    )
    for (const count of STREAMS) {
      const seen = []
      for (let round = 0; round < rounds / Math.sqrt(count); round++)
        seen.push(await both('complete', round, count, tokens))
      const rate = (round, side) => round[side].reduce((sum, stream) => sum + stream.tokensPerSecond, 0)
      const ratios = seen.map((round) => rate(round, 'http') / rate(round, 'direct'))
      const within = [0.25, 0.75].map((share) => quantile(ratios, share).toFixed(2)).join(' to ')
      const direct = median(seen.map((round) => rate(round, 'direct'))).toFixed(0)
      rows.push({
        what: `${what}: ${count} streams, HTTP / direct`,
        value: median(ratios),
        unit: '',
        target: 0.99,
        note: `direct ${direct} tokens/s in all; half of ${seen.length} rounds ${within}`,
      })
    }
    await leaving(what, server, direct.model)
  } finally {
    for (const connection of connections) connection.close()
    await direct.stop()
    await server.stop()
  }
}

/** From the end of the connection until the status says that nothing runs. */
async function leaving(what, { url }, model) {
  const messages = (text) => [{ role: 'user', content: text }]
  const cases = [
    ['in the middle of an answer', messages(QUESTION), (text) => text.includes('"content":"')],
    ['while its prompt is read', messages(`${QUESTION} `.repeat(80)), undefined],
  ]
  for (const [when, asked, isBegun] of cases) {
    const ms = []
    for (let at = 0; at < LEAVING; at++) {
      const body = { model, messages: asked, stream: true, max_tokens: 1000, temperature: 1, seed: at }
      const { hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.write(postBytes(url, '/v1/chat/completions', body))
      let text = ''
      socket.on('data', (bytes) => {
        text += bytes
      })
      const begun = async () => (isBegun ? isBegun(text) : (await running(url)) === 1)
      const waitedMs = performance.now()
      while (!(await begun())) {
        if (performance.now() - waitedMs > 10_000) throw new Error(`no answer began: ${text.slice(0, 300)}`)
        await sleep(1)
      }
      const startedMs = performance.now()
      socket.destroy()
      while ((await running(url)) > 0) await sleep(1)
      ms.push(performance.now() - startedMs)
    }
    rows.push({
      what: `${what}: slot free after a client left ${when} (worst of ${LEAVING})`,
      value: Math.max(...ms),
      unit: 'ms',
      target: 100,
      better: 'less',
    })
  }
}

async function running(url) {
  const { workers } = await (await fetch(`${url}/tandem/v1/status`)).json()
  return workers.reduce((sum, worker) => sum + (worker.task === 'chat' ? worker.running : 0), 0)
}

/** @param {'base64' | 'float'} format OpenAI's own clients ask for base64 */
async function embeddings(format) {
  const settings = { ...SIMULATED, TANDEM_SIMULATE_SPEED_UP: '20' }
  const server = await startServer([], settings)
  try {
    await untilReady(server.url)
    let cpu = 0
    let wallMs = 0
    const stream = {
      name: 'embed',
      path: '/v1/embeddings',
      body: { model: 'tandem-embed-small', input: 'where is the queue bounded?', encoding_format: format },
      headers: { 'x-tandem-priority': 'interactive' },
      perSecond: EMBED_RATE,
      connections: 256,
    }
    const { embed } = await generateLoad(server.url, [stream], {
      seconds: EMBED_SECONDS,
      warmSeconds: 3,
      onMeasured: (begins) => {
        cpu = cpuSeconds(server.pid) - (begins ? 0 : cpu)
        wallMs = performance.now() - (begins ? 0 : wallMs)
      },
    })
    const note = `${format}; simulated NPU, 20 times as fast`
    rows.push(
      {
        what: `embeddings of one short text, ${EMBED_RATE} sent each second: answered`,
        value: embed.ok / EMBED_SECONDS,
        unit: 'requests/s',
        target: 0.99 * EMBED_RATE,
        note,
      },
      {
        what: 'the same: refused, failed or not sent',
        value: embed.refused + embed.failed + embed.unsent,
        unit: 'requests',
        target: 0,
        better: 'less',
        note,
      },
      { what: 'the same: latency (median)', value: median(embed.okMs), unit: 'ms', note },
      {
        what: 'the same: main process',
        value: (cpu * 1000) / wallMs,
        unit: 'cores',
        target: 1,
        better: 'less',
        note,
      },
    )
    if (embed.failed > 0) console.error(embed.failures)
  } finally {
    await server.stop()
  }
}

async function readers() {
  const server = await startServer([], SIMULATED)
  const sockets = []
  try {
    await untilReady(server.url)
    await sleep(1000)
    const { hostname, port, host } = new URL(server.url)
    const before = residentBytes(server.pid)
    let streaming = 0
    for (let at = 0; at < READERS; at++) {
      const socket = connect(Number(port), hostname)
      sockets.push(socket)
      socket.once('data', (head) => {
        if (head.includes(' 200 OK')) streaming++
      })
      socket.on('error', () => {})
      socket.resume()
      socket.write(`GET /tandem/v1/events HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
      if (at % 50 === 0) await sleep(10)
    }
    for (let waited = 0; streaming < READERS && waited < 100; waited++) await sleep(100)
    await sleep(3000)
    const after = residentBytes(server.pid)
    rows.push(
      {
        what: `readers of /tandem/v1/events that got their stream, of ${READERS}`,
        value: streaming,
        unit: '',
        target: READERS,
      },
      {
        what: `main process with them, above without`,
        value: (after - before) / 1e6,
        unit: 'MB',
        target: 150,
        better: 'less',
        note: `${(after / 1e6).toFixed(0)} MB resident in all`,
      },
    )
  } finally {
    for (const socket of sockets) socket.destroy()
    await server.stop()
  }
}

if (does('real')) await streaming('tiny model', REAL, { tokens: 100, rounds: 30, firstTokens: 300 })
if (does('simulated'))
  await streaming('simulated decoder', SIMULATED, { tokens: 80, rounds: 10, firstTokens: 60 })
if (does('embeddings')) for (const format of ['base64', 'float']) await embeddings(format)
if (does('readers')) await readers()
report('cost', rows)
