#!/usr/bin/env node
// OpenVINO through Tandem against the same model, texts and threads through Python: turn and turn about, in one run.
import { openEncoder } from './lib/encoder-worker.js'
import { openVinoFolder } from './lib/openvino.js'
import { startBaseline } from './lib/python.js'
import { codeTexts, embeddingModel } from './lib/raw-onnxruntime.js'
import { median, report } from './lib/report.js'
import { call, callLean, startServer } from './lib/server.js'

const ROUNDS = 5
const ARRAY = 32
const CLIENTS = 8
const THREADS = 1
/** The simple services are slow: a part of the texts tells their rate. */
const SERVICE_TEXTS = 48

const texts = await codeTexts(256)
const { folder } = await embeddingModel()
const python = ['--model', folder, '--threads', String(THREADS)]

async function rate(count, work) {
  const started = performance.now()
  await work()
  return (count / (performance.now() - started)) * 1000
}

async function openQueue() {
  const queue = startBaseline('async_queue.py', python)
  queue.send(JSON.stringify(texts))
  await queue.line()
  const measure = async (size) => {
    queue.send(size)
    return JSON.parse(await queue.line()).docsPerSecond
  }
  return { measure, stop: queue.stop }
}

async function openFlask(port, args) {
  const service = startBaseline('flask_service.py', [...python, '--port', String(port), ...args])
  while (!(await service.line()).includes('ready'));
  const embed = (text) => callLean(`http://127.0.0.1:${port}/embed`, { text })
  for (let tries = 0; ; tries++) {
    const up = await embed('warm up').then(
      () => true,
      () => false,
    )
    if (up) break
    if (tries > 100) throw new Error('the Flask service does not answer')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const few = texts.slice(0, SERVICE_TEXTS)
  return { measure: () => rate(few.length, () => clients(few, embed)), stop: service.stop }
}

async function clients(list, embed) {
  let next = 0
  const client = async () => {
    while (next < list.length) await embed(list[next++])
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
}

const openvino = await openEncoder('openvino', THREADS)
const onnxruntime = await openEncoder('onnxruntime', THREADS)
const queue = await openQueue()
const padded = await openFlask(18_001, [])
const dynamic = await openFlask(18_002, ['--dynamic'])
const server = await startServer([], {
  TANDEM_PLACEMENT_EMBED: 'openvino@CPU',
  TANDEM_OPENVINO_FOLDER: await openVinoFolder(),
})
const embed = (input) =>
  callLean(`${server.url}/v1/embeddings`, { model: 'tandem-embed-small', input, encoding_format: 'base64' })
async function arrays() {
  for (let at = 0; at < texts.length; at += ARRAY) await embed(texts.slice(at, at + ARRAY))
}

try {
  const { tasks } = await call(`${server.url}/tandem/v1/plan`)
  if (tasks.embed[0].engine !== 'openvino') throw new Error('the server does not embed by OpenVINO')
  // Python's sizes are tried twice below: what is compared with it is as warm
  for (let warm = 0; warm < 2; warm++) {
    for (const encoder of [openvino, onnxruntime]) await encoder.embedAll(texts)
    await arrays()
    await clients(texts, embed)
  }
  const sizes = []
  for (const size of [1, 2, 4, 8, 16, 32, 1, 2, 4, 8, 16, 32])
    sizes.push({ size, docs: await queue.measure(size) })
  const best = sizes.reduce((a, b) => (b.docs > a.docs ? b : a)).size
  const rounds = []
  for (let round = 0; round < ROUNDS; round++)
    rounds.push({
      python: await queue.measure(best),
      openvino: await rate(texts.length, () => openvino.embedAll(texts)),
      onnxruntime: await rate(texts.length, () => onnxruntime.embedAll(texts)),
      arrays: await rate(texts.length, arrays),
      singles: await rate(texts.length, () => clients(texts, embed)),
      padded: await padded.measure(),
      dynamic: await dynamic.measure(),
    })
  const docs = (what, key) => ({ what, value: median(rounds.map((round) => round[key])), unit: 'docs/s' })
  const share = (what, key, of, target) => ({
    what,
    value: median(rounds.map((round) => round[key] / round[of])),
    unit: '',
    ...(target === undefined ? {} : { target }),
  })
  const each = `${CLIENTS} clients, single texts`
  report('encoders', [
    docs(`Python AsyncInferQueue, int8, its best batch size (${best})`, 'python'),
    docs("OpenVINO int8, Tandem's worker", 'openvino'),
    docs("ONNX Runtime int8, Tandem's worker", 'onnxruntime'),
    docs(`OpenVINO int8 over HTTP, 1 client, arrays of ${ARRAY}`, 'arrays'),
    docs(`OpenVINO int8 over HTTP, ${each}`, 'singles'),
    docs(`Flask, f32, padded to 512, ${each}`, 'padded'),
    docs(`Flask, f32, dynamic lengths, ${each}`, 'dynamic'),
    share("Tandem's worker / AsyncInferQueue", 'openvino', 'python', 0.95),
    share(`HTTP arrays of ${ARRAY} / Tandem's worker`, 'arrays', 'openvino', 0.9),
    share(`HTTP ${each} / Tandem's worker`, 'singles', 'openvino', 0.85),
    share('HTTP single texts / Flask padded to 512', 'singles', 'padded', 5),
    share('HTTP single texts / Flask dynamic', 'singles', 'dynamic', 2),
    share('ONNX Runtime / OpenVINO', 'onnxruntime', 'openvino'),
  ])
} finally {
  await Promise.all([openvino, onnxruntime, queue, padded, dynamic, server].map((each) => each.stop()))
}
