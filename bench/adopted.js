#!/usr/bin/env node
// What an adopted llama-server costs through Tandem: against the same server asked directly, turn and turn about; and embeddings by
// Tandem's engines against a llama-server's, on as many threads.
import { startChat, startEncoder } from './lib/llama-server.js'
import { openVinoFolder } from './lib/openvino.js'
import { StreamConnection } from './lib/raw-http.js'
import { codeTexts } from './lib/raw-onnxruntime.js'
import { median, quantile, report } from './lib/report.js'
import { call, callLean, startServer, untilReady } from './lib/server.js'

const MODEL = 'tandem-tiny-chat'
const EMBED = 'tandem-embed-small'
const TOKENS = 100
const FIRST_ROUNDS = 150
const STREAM_ROUNDS = 48
/** Rounds that do not count: code that is new to Node is compiled beside them. */
const WARM_UP_ROUNDS = 30
const STREAMS = [1, 4]
const MANY = 32
const EMBED_ROUNDS = 3
const ARRAY = 32
/** A client that sends one array after the other, and an index that keeps some on their way. */
const CLIENTS = [1, 4]

const rows = []

const KINDS = {
  chat: {
    path: '/v1/chat/completions',
    ask: (text) => ({ messages: [{ role: 'user', content: text }] }),
    hasText: /"content":\s*"[^"]/,
  },
  completion: {
    path: '/v1/completions',
    ask: (text) => ({ prompt: text }),
    hasText: /"text":\s*"[^"]/,
  },
}

function bodyOf(kind, round, at, maxTokens) {
  const text = `Notes on the request queue of server number ${round * 40 + at}, point by point:\n\n1. `
  return {
    model: MODEL,
    ...KINDS[kind].ask(text),
    max_tokens: maxTokens,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  }
}

/** llama-server closes a connection after its answer, and resets some new ones: before the first token it is asked again. */
async function ask(kind, connection, round, at, maxTokens) {
  for (let left = 3; ; left--) {
    try {
      return await askOnce(kind, connection, round, at, maxTokens)
    } catch (thrown) {
      if (left === 0) throw thrown
    } finally {
      connection.close()
    }
  }
}

async function askOnce(kind, connection, round, at, maxTokens) {
  await connection.open()
  const startedMs = performance.now()
  let firstMs = 0
  let lastMs = 0
  const { path, hasText } = KINDS[kind]
  const end = await connection.stream(path, bodyOf(kind, round, at, maxTokens), (piece) => {
    if (!hasText.test(piece.toString('latin1'))) return
    lastMs = performance.now()
    firstMs ||= lastMs
  })
  const tokens = Number(/"completion_tokens":\s*(\d+)/.exec(end)?.[1])
  if (!(tokens > 0)) throw new Error(`no usage in the stream: ${end.slice(-300)}`)
  return { firstMs: firstMs - startedMs, tokens, tokensPerSecond: ((tokens - 1) / (lastMs - firstMs)) * 1000 }
}

/** @returns what each side saw in one round of so many streams */
async function both(kind, sides, round, count, maxTokens) {
  const seen = {}
  const order = Object.keys(sides)
  for (const side of round % 2 === 0 ? order : order.reverse())
    seen[side] = await Promise.all(
      Array.from({ length: count }, (_, at) => ask(kind, sides[side][at], round, at, maxTokens)),
    )
  return seen
}

async function chats(direct) {
  const tandem = await startServer([], {
    TANDEM_SERVERS: JSON.stringify([{ name: 'peer', url: direct.url }]),
    TANDEM_PLACEMENT_CHAT: 'openai',
    TANDEM_CALIBRATION_WHEN_IDLE: 'false',
  })
  const connect = (url) => Array.from({ length: MANY }, () => new StreamConnection(url))
  const sides = { direct: connect(direct.url), tandem: connect(tandem.url) }
  try {
    await untilReady(tandem.url)
    const { tasks } = await call(`${tandem.url}/tandem/v1/plan`)
    if (tasks.chat[0].engine !== 'openai') throw new Error(`${tasks.chat[0].engine} serves chats`)
    for (const kind of Object.keys(KINDS)) {
      for (let round = 0; round < WARM_UP_ROUNDS; round++) await both(kind, sides, round, 2, 8)
      const firsts = []
      for (let round = 0; round < FIRST_ROUNDS; round++) firsts.push(await both(kind, sides, round, 1, 4))
      const of = (side) => firsts.map((round) => round[side][0].firstMs)
      const above = (share) => quantile(of('tandem'), share) - quantile(of('direct'), share)
      rows.push(
        {
          what: `${kind}, llama-server asked directly: first token (median)`,
          value: median(of('direct')),
          unit: 'ms',
        },
        {
          what: `${kind}, through Tandem: first token above it (median)`,
          value: above(0.5),
          unit: 'ms',
          target: 2,
          better: 'less',
        },
        { what: 'the same, 99th percentile', value: above(0.99), unit: 'ms' },
      )
    }
    for (const count of STREAMS) {
      for (let round = 0; round < WARM_UP_ROUNDS / count; round++)
        await both('completion', sides, round, count, TOKENS)
      const ratios = []
      for (let round = 0; round < STREAM_ROUNDS / Math.sqrt(count); round++) {
        const seen = await both('completion', sides, round, count, TOKENS)
        const rate = (side) => seen[side].reduce((sum, stream) => sum + stream.tokensPerSecond, 0)
        ratios.push(rate('tandem') / rate('direct'))
      }
      const usable = ratios.filter(Number.isFinite) // a text that came in one piece has no rate
      const within = [0.25, 0.75].map((share) => quantile(usable, share).toFixed(2)).join(' to ')
      rows.push({
        what: `${count} streams, through Tandem / direct`,
        value: median(usable),
        unit: '',
        target: 0.99,
        note: `half of ${usable.length} rounds ${within}`,
      })
    }
    const many = await Promise.all(
      sides.tandem.map((connection, at) => ask('completion', connection, 1000, at, 40)),
    )
    rows.push({
      what: `${MANY} streams at once through Tandem: whole`,
      value: many.filter(({ tokens }) => tokens === 40).length,
      unit: '',
      target: MANY,
    })
  } finally {
    for (const connection of [...sides.direct, ...sides.tandem]) connection.close()
    await tandem.stop()
  }
}

/** Rates of both in the same rounds, each with the compute threads that Tandem gives its encoder. */
async function embeddings(env) {
  const texts = await codeTexts(ARRAY * 8)
  const tandem = await startServer([], {
    TANDEM_CALIBRATION_WHEN_IDLE: 'false',
    TANDEM_CPU_GIVE_WAY: 'false', // what llama-server took in its turn would count as a program that needs the processors
    ...env,
  })
  const rate = async (url, clients) => {
    const startedMs = performance.now()
    let next = 0
    const client = async () => {
      while (next < texts.length) {
        const input = texts.slice(next, next + ARRAY)
        next += ARRAY
        await callLean(`${url}/v1/embeddings`, { model: EMBED, input, encoding_format: 'base64' })
      }
    }
    await Promise.all(Array.from({ length: clients }, client))
    return (texts.length / (performance.now() - startedMs)) * 1000
  }
  let peer
  try {
    await untilReady(tandem.url)
    const { workers } = await call(`${tandem.url}/tandem/v1/status`)
    const { engine, threads } = workers.find(({ task }) => task === 'embed')
    peer = await startEncoder(['-t', String(threads)])
    if (!peer) return
    for (const url of [tandem.url, peer.url]) await rate(url, 1)
    for (const clients of CLIENTS) {
      const seen = []
      for (let round = 0; round < EMBED_ROUNDS; round++)
        seen.push({ peer: await rate(peer.url, clients), tandem: await rate(tandem.url, clients) })
      const direct = median(seen.map((each) => each.peer))
      rows.push({
        what: `embeddings by ${engine}, of llama-server's, ${clients === 1 ? 'one client' : `${clients} clients`}`,
        value: median(seen.map((each) => each.tandem / each.peer)),
        unit: '',
        target: 4,
        note: `${direct.toFixed(0)} docs/s; ${threads} compute threads each`,
      })
    }
  } finally {
    await peer?.stop()
    await tandem.stop()
  }
}

const peer = await startChat(['-t', '1', '-np', String(MANY), '-c', String(MANY * 512)])
if (peer) {
  try {
    await chats(peer)
  } finally {
    await peer.stop()
  }
}
await embeddings({})
await embeddings({ TANDEM_OPENVINO_FOLDER: await openVinoFolder(), TANDEM_PLACEMENT_EMBED: 'openvino@CPU' })
if (rows.length > 0) report('adopted', rows)
else process.exitCode = 1
