#!/usr/bin/env node
// Chat and embeddings on one CPU at the same time against each alone, by a server without any setting; beside it two
// llama-servers without any setting. Each round runs every arrangement once: only ratios within a run count.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPair } from './lib/llama-server.js'
import { codeTexts } from './lib/raw-onnxruntime.js'
import { median, quantile, report } from './lib/report.js'
import { call, callLean, startServer } from './lib/server.js'
import { streamFor } from './lib/streams.js'
import { writeTree } from './lib/tree.js'

const ROUNDS = Number(process.argv[2] ?? 5)
const PHASE_MS = Number(process.argv[3] ?? 4000)
const CHUNKS = 4000
const ARRAY = 32
const QUERY_EVERY_MS = 50
const STARVED_MS = 5000

const texts = await codeTexts(128)

const completion = (round) => ({
  model: 'tandem-tiny-chat',
  prompt: `Notes on the request queue of server number ${round}, point by point:\n\n1. `,
  max_tokens: 200,
  temperature: 1,
  seed: 7 + round,
})

const chatFor = (url, options) => streamFor(url, completion, PHASE_MS, options)

/** Arrays of passages, one after the other, until `until` settles. @returns docs/s */
async function embedFor(url, { mayStarve = false } = {}, until = sleep(PHASE_MS)) {
  const over = until.then(() => true)
  let starved = false
  const started = performance.now()
  let endedMs = started
  for (let count = 0; ; count += ARRAY) {
    const input = texts.slice(count % texts.length).slice(0, ARRAY)
    const body = { model: 'tandem-embed-small', input, encoding_format: 'base64' }
    const answered = callLean(`${url}/v1/embeddings`, body).then(
      () => false,
      (error) => {
        // a llama-server closes connections that it says it keeps
        if (!starved && !(mayStarve && error.code === 'ECONNRESET')) throw error
      },
    )
    if (!(await Promise.race([answered, over]))) {
      endedMs = performance.now()
      continue
    }
    // what is left of it is not counted, and must not run into the next phase; one that starves is not waited for
    await Promise.race([answered, sleep(STARVED_MS)])
    starved = true
    if (count > 0) return (count * 1000) / (endedMs - started)
    if (mayStarve) return 0
    throw new Error(`${url} embedded no array of ${ARRAY} texts in a phase`)
  }
}

/** One short query after the other, as a person types them. @returns milliseconds of each */
async function queriesFor(url) {
  const took = []
  for (const endMs = performance.now() + PHASE_MS; performance.now() < endMs; ) {
    const started = performance.now()
    const input = `where is the queue of worker ${took.length} bounded`
    await callLean(`${url}/v1/embeddings`, { model: 'tandem-embed-small', input, encoding_format: 'base64' })
    took.push(performance.now() - started)
    await sleep(Math.max(0, QUERY_EVERY_MS - (performance.now() - started)))
  }
  return took
}

/** Beside a program that only computes, on one core: what the machine itself takes from whoever works beside another. */
async function besideLoop(work) {
  const loop = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
  try {
    return await work()
  } finally {
    loop.kill('SIGKILL')
  }
}

/** What two servers keep of their speed when both work. */
async function sideBySide({ chat: chatUrl, embed: embedUrl }, options = {}) {
  const chatAlone = await chatFor(chatUrl, options)
  const embedAlone = await embedFor(embedUrl, options)
  const chatting = chatFor(chatUrl, options)
  const [chat, embed] = await Promise.all([chatting, embedFor(embedUrl, options, chatting)])
  return { chatAlone, chat, embedAlone, embed }
}

/** Texts of the batches that were embedded so far; the project's own count goes up by 64 at a time, too coarse for a phase. */
async function embeddedTexts(url) {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => /^tandem_batch_inputs_sum\{.*task="embed"/.test(line))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** What the index embeds in a second while `work` runs. */
async function indexedDuring(url, name, work) {
  const before = await embeddedTexts(url)
  const started = performance.now()
  const result = await work()
  const rate = ((await embeddedTexts(url)) - before) / ((performance.now() - started) / 1000)
  if ((await call(`${url}/tandem/v1/projects/${name}`)).state === 'ready')
    throw new Error('the index was complete before the phase ended: raise CHUNKS')
  if (!(rate > 0)) throw new Error(`the index of ${name} embedded nothing in a phase`)
  return { result, rate }
}

async function besideIndex(url, tree, round) {
  const name = `tree${round}`
  const queryAlone = await queriesFor(url)
  const chatAlone = await chatFor(url)
  await call(`${url}/tandem/v1/projects`, { path: tree, name })
  while ((await call(`${url}/tandem/v1/projects/${name}`)).embedded < 64) await sleep(50)
  const { rate: indexAlone } = await indexedDuring(url, name, () => sleep(PHASE_MS))
  const { rate: loop } = await besideLoop(() => indexedDuring(url, name, () => sleep(PHASE_MS)))
  const { result: chat, rate: index } = await indexedDuring(url, name, () => chatFor(url))
  const { result: query } = await indexedDuring(url, name, () => queriesFor(url))
  await call(`${url}/tandem/v1/projects/${name}`, undefined, 'DELETE')
  return { queryAlone, query, chatAlone, chat, indexAlone, index, loop }
}

const p99 = (rounds, key) =>
  quantile(
    rounds.flatMap((round) => round[key].gapsMs),
    0.99,
  )
const speed = (rounds, key) => median(rounds.map((round) => round[key].tokensPerSecond))
const kept = (rounds, key, alone) =>
  median(rounds.map((round) => round[key].tokensPerSecond / round[alone].tokensPerSecond))

/** @param {string} who @param {object[]} rounds @param {{ chat?: number, embed?: number }} targets */
function pairRows(who, rounds, targets = {}) {
  const starved = rounds.filter(({ chat }) => chat.gapsMs.length === 1).length
  return [
    { what: `${who}: chat alone`, value: speed(rounds, 'chatAlone'), unit: 'tokens/s' },
    {
      what: `${who}: chat beside embeddings`,
      value: speed(rounds, 'chat'),
      unit: 'tokens/s',
      ...(starved > 0 ? { note: `wrote no two tokens in ${starved} of ${rounds.length} phases` } : {}),
    },
    {
      what: `${who}: chat keeps`,
      value: kept(rounds, 'chat', 'chatAlone'),
      unit: '',
      ...(targets.chat ? { target: targets.chat } : {}),
    },
    {
      what: `${who}: 99th percentile between tokens, beside / alone`,
      value: p99(rounds, 'chat') / p99(rounds, 'chatAlone'),
      unit: '',
      note: `${p99(rounds, 'chatAlone').toFixed(1)} ms alone, ${p99(rounds, 'chat').toFixed(1)} ms beside`,
    },
    {
      what: `${who}: embeddings alone`,
      value: median(rounds.map(({ embedAlone }) => embedAlone)),
      unit: 'docs/s',
    },
    {
      what: `${who}: embeddings keep`,
      value: median(rounds.map(({ embed, embedAlone }) => embed / embedAlone)),
      unit: '',
      ...(targets.embed ? { target: targets.embed } : {}),
    },
  ]
}

function indexRows(rounds) {
  const p95 = (key) =>
    quantile(
      rounds.flatMap((round) => round[key]),
      0.95,
    )
  return [
    { what: 'beside an index: chat', value: speed(rounds, 'chat'), unit: 'tokens/s' },
    { what: 'beside an index: chat keeps', value: kept(rounds, 'chat', 'chatAlone'), unit: '', target: 0.97 },
    {
      what: 'beside an index: 99th percentile between tokens, beside / alone',
      value: p99(rounds, 'chat') / p99(rounds, 'chatAlone'),
      unit: '',
      note: `${p99(rounds, 'chatAlone').toFixed(1)} ms alone, ${p99(rounds, 'chat').toFixed(1)} ms beside`,
    },
    { what: 'index alone', value: median(rounds.map(({ indexAlone }) => indexAlone)), unit: 'chunks/s' },
    {
      what: 'index beside a chat keeps',
      value: median(rounds.map(({ index, indexAlone }) => index / indexAlone)),
      unit: '',
      note: 'alone it uses every core',
    },
    {
      what: 'index beside a chat, of what it keeps beside an empty loop',
      value: median(rounds.map(({ index, loop }) => index / loop)),
      unit: '',
      target: 0.9,
    },
    { what: 'query embedding, 95th percentile, idle', value: p95('queryAlone'), unit: 'ms' },
    { what: 'query embedding, 95th percentile, beside an index', value: p95('query'), unit: 'ms' },
  ]
}

const tree = mkdtempSync(join(tmpdir(), 'tandem-tree-'))
writeTree(tree, CHUNKS)
const server = await startServer()
try {
  const own = { chat: server.url, embed: server.url }
  await sideBySide(own)
  const rounds = { own: [], index: [], pair: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const beside = await sideBySide(own)
    rounds.own.push({ ...beside, loop: await besideLoop(() => embedFor(own.embed, {})) })
    rounds.index.push(await besideIndex(server.url, tree, round))
    const pair = await startPair()
    if (!pair) continue
    try {
      rounds.pair.push(await sideBySide(pair, { mayStarve: true }))
    } finally {
      await pair.stop()
    }
  }
  const { workers } = await call(`${server.url}/tandem/v1/status`)
  const shares = workers.map(({ task, device, threads }) => `${task} on ${device}: ${threads}`).join(', ')
  report('together', [
    {
      what: 'compute threads',
      value: workers.reduce((sum, { threads = 0 }) => sum + threads, 0),
      unit: '',
      note: shares,
    },
    ...pairRows('Tandem', rounds.own, { chat: 0.97, embed: 0.9 }),
    {
      what: 'Tandem: embeddings beside an empty loop keep',
      value: median(rounds.own.map(({ loop, embedAlone }) => loop / embedAlone)),
      unit: '',
      note: 'what this machine leaves of a core',
    },
    ...indexRows(rounds.index),
    ...(rounds.pair.length > 0 ? pairRows('two llama-servers', rounds.pair) : []),
  ])
} finally {
  await server.stop()
  rmSync(tree, { recursive: true, force: true })
}
