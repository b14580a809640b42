#!/usr/bin/env node
// A streamed chat over HTTP against the same request to a worker process of our own, without server and HTTP.
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../dist/config/index.js'
import { loadCatalogue } from '../dist/models/index.js'
import { startWorker } from '../dist/workers/index.js'
import { median, report } from './lib/report.js'
import { startServer } from './lib/server.js'

const ROUNDS = 9
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

/** @returns {{ firstMs: number, tokensPerSecond: number, tokens: number }} */
function figures(started, first, ended, tokens) {
  return { firstMs: first - started, tokensPerSecond: ((tokens - 1) / (ended - first)) * 1000, tokens }
}

async function own(round) {
  const started = performance.now()
  let first
  const request = {
    model: MODEL,
    messages: [{ role: 'user', content: content(round) }],
    sampling,
    responseFormat: { type: 'text' },
    tools: [],
    toolChoice: 'none',
  }
  const result = await worker.chat(request, () => {
    first ??= performance.now()
  })
  return figures(started, first, performance.now(), result.usage.completionTokens)
}

async function http(round) {
  const started = performance.now()
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: MODEL,
      messages: [{ role: 'user', content: content(round) }],
      max_tokens: TOKENS,
      temperature: 1,
      seed: 7,
      stream: true,
      stream_options: { include_usage: true },
    }),
  })
  let first
  let text = ''
  for await (const piece of response.body) {
    const part = Buffer.from(piece).toString()
    if (first === undefined && /"content":"[^"]/.test(part)) first = performance.now()
    text += part
  }
  const usage = [...text.matchAll(/"completion_tokens":(\d+)/g)].at(-1)
  if (!usage) throw new Error(`no usage in the stream: ${text.slice(-300)}`)
  return figures(started, first, performance.now(), Number(usage[1]))
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
  await worker.stop(1000)
  await server.stop()
}
