#!/usr/bin/env node
// Embeddings over HTTP against the bare ONNX Runtime session: same texts, lengths and threads, turn and turn about.
import { codeTexts, openRaw } from './lib/raw-onnxruntime.js'
import { median, report } from './lib/report.js'
import { call, startServer } from './lib/server.js'

const ROUNDS = 5
const ARRAY = 32
const CLIENTS = 8

const texts = await codeTexts(256)
const raw = await openRaw(texts, 1)
const server = await startServer()
const embed = (input) =>
  call(`${server.url}/v1/embeddings`, { model: 'tandem-embed-small', input, encoding_format: 'base64' })

async function rate(work) {
  const started = performance.now()
  await work()
  return (texts.length / (performance.now() - started)) * 1000
}

async function arrays() {
  for (let at = 0; at < texts.length; at += ARRAY) await embed(texts.slice(at, at + ARRAY))
}

async function singles() {
  let next = 0
  const client = async () => {
    while (next < texts.length) await embed(texts[next++])
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
}

try {
  await arrays()
  await singles()
  const { batchSize } = await raw.best()
  const rounds = []
  for (let round = 0; round < ROUNDS; round++)
    rounds.push({
      raw: await raw.measure(batchSize),
      arrays: await rate(arrays),
      singles: await rate(singles),
    })
  const share = (key) => median(rounds.map((round) => round[key] / round.raw))
  const docs = (key) => median(rounds.map((round) => round[key]))
  report('embeddings', [
    {
      what: `bare ONNX Runtime session, best batch size (${batchSize}), 1 thread`,
      value: docs('raw'),
      unit: 'docs/s',
    },
    { what: `HTTP, 1 client, arrays of ${ARRAY}`, value: docs('arrays'), unit: 'docs/s' },
    { what: `HTTP, ${CLIENTS} clients, single texts`, value: docs('singles'), unit: 'docs/s' },
    { what: `arrays of ${ARRAY} / bare session`, value: share('arrays'), unit: '', target: 0.9 },
    {
      what: `single texts of ${CLIENTS} clients / bare session`,
      value: share('singles'),
      unit: '',
      target: 0.8,
    },
  ])
} finally {
  await raw.close()
  await server.stop()
}
