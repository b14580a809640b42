#!/usr/bin/env node
// A streamed chat over HTTP against the same request to a worker process of our own, without server and HTTP.
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../dist/config/index.js'
import { loadCatalogue } from '../dist/models/index.js'
import { startWorker } from '../dist/workers/index.js'
import { median, report } from './lib/report.js'
import { startServer } from './lib/server.js'

const ROUNDS = 15
const TOKENS = 200
const MODEL = 'tandem-tiny-chat'

const content = (round) => `Write about queue number ${round}. List every step of it.`
const sampling = { maxTokens: TOKENS, temperature: 1, seed: 7, stop: [] }

const model = (await loadCatalogue([join(PACKAGE_ROOT, 'models')])).find(MODEL)
const worker = startWorker({
  placement: {
    task: 'chat',
    model: MODEL,
    engine: 'llama.cpp',
    device: 'cpu',
    kind: 'cpu',
    simulated: false,
  },
  spec: { model, task: 'chat', device: 'cpu', threads: 1, contextTokens: model.contextTokens, slots: 2 },
})
await worker.ready()
const server = await startServer()
const agent = new Agent({ keepAlive: true })

/** Between the first and the last piece of text: what comes after it is no token. */
function figures(started, deltasAt, tokens) {
  const first = deltasAt[0]
  const tokensPerSecond = ((tokens - 1) / (deltasAt.at(-1) - first)) * 1000
  return { firstMs: first - started, tokensPerSecond, tokens }
}

async function own(round) {
  const started = performance.now()
  const deltasAt = []
  const chat = {
    model: MODEL,
    messages: [{ role: 'user', content: content(round) }],
    sampling,
    responseFormat: { type: 'text' },
    tools: [],
    toolChoice: 'none',
  }
  const result = await worker.chat(chat, () => deltasAt.push(performance.now()))
  return figures(started, deltasAt, result.usage.completionTokens)
}

/** A client that adds as little as it can: what is measured is the server. */
async function http(round) {
  const body = JSON.stringify({
    model: MODEL,
    messages: [{ role: 'user', content: content(round) }],
    max_tokens: TOKENS,
    temperature: 1,
    seed: 7,
    stream: true,
    stream_options: { include_usage: true },
  })
  const started = performance.now()
  const sent = request(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  })
  sent.end(body)
  const [response] = await once(sent, 'response')
  const pieces = []
  const deltasAt = []
  for await (const piece of response) {
    if (piece.includes('"content":"')) deltasAt.push(performance.now())
    pieces.push(piece)
  }
  const text = Buffer.concat(pieces).toString()
  const usage = [...text.matchAll(/"completion_tokens":(\d+)/g)].at(-1)
  if (!usage) throw new Error(`no usage in the stream: ${text.slice(-300)}`)
  return figures(started, deltasAt, Number(usage[1]))
}

try {
  await own(-1)
  await http(-1)
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) rounds.push({ own: await own(round), http: await http(round) })
  const long = rounds.filter((round) => round.own.tokens > 20 && round.http.tokens > 20)
  const of = (side, key) => median(long.map((round) => round[side][key]))
  report('chat', [
    { what: 'worker alone, 1 thread', value: of('own', 'tokensPerSecond'), unit: 'tokens/s' },
    { what: 'streamed over HTTP', value: of('http', 'tokensPerSecond'), unit: 'tokens/s' },
    {
      what: 'HTTP / worker',
      value: median(long.map((round) => round.http.tokensPerSecond / round.own.tokensPerSecond)),
      unit: '',
      target: 0.9,
    },
    { what: 'worker alone, first token', value: of('own', 'firstMs'), unit: 'ms' },
    {
      what: 'HTTP above it, first token',
      value: median(rounds.map((round) => round.http.firstMs - round.own.firstMs)),
      unit: 'ms',
      target: 5,
      better: 'less',
    },
  ])
} finally {
  agent.destroy()
  await worker.stop(1000)
  await server.stop()
}
