#!/usr/bin/env node
// A chat on a GPU alone, and while the CPU embeds at full speed: separate devices shall not disturb each other.
//   node bench/separate-devices.js [--shape 14b|tiny] [--device gpu0] [--seconds 10] [--threads N] [--rounds N] [--server]
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PACKAGE_ROOT } from '../dist/config/index.js'
import { discoverLlamaCpp } from '../dist/engines/llama.cpp/discover.js'
import { loadCatalogue } from '../dist/models/index.js'
import { startWorker } from '../dist/workers/index.js'
import { CONTEXT_TOKENS, SHAPES, writeGeneratedGguf } from './lib/generated-gguf.js'
import { quantile, report } from './lib/report.js'
import { callLean, startServer, streamChat } from './lib/server.js'

const USAGE = `usage: separate-devices.js [options]
  --shape SHAPE    of the generated chat model: ${Object.keys(SHAPES).join(', ')} (default tiny; 14b takes 7.5 GB of disk and GPU memory)
  --device NAME    gpu0, gpu1, ... in the order of llama.cpp's list, or its own name, Vulkan0 (default gpu0)
  --seconds N      of each part of a round, 2 to 600 (default 10)
  --rounds N       1 to 100 (default 3)
  --threads N      of the encoder on the CPU (default: all cores but one)
  --server         through a server's HTTP API instead of its workers
`
const EMBED = 'tandem-embed-small'
const CHAT = 'tandem-tiny-chat'
const GENERATED = 'generated'
/** Of one answer; a renderer in software writes a few in a second. */
const TOKENS = 256
const TOKENS_IN_SOFTWARE = 8
const BATCH = 32

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        shape: { type: 'string', default: 'tiny' },
        device: { type: 'string', default: 'gpu0' },
        seconds: { type: 'string', default: '10' },
        rounds: { type: 'string', default: '3' },
        threads: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
        server: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return undefined
    const shape = SHAPES[values.shape]
    if (!shape) throw new Error(`--shape ${values.shape}: allowed are ${Object.keys(SHAPES).join(', ')}`)
    const number = (name, min, max) => {
      const value = Number(values[name])
      if (!Number.isInteger(value) || value < min || value > max)
        throw new Error(`--${name} ${values[name]}: allowed is an integer from ${min} to ${max}`)
      return value
    }
    const counts = { rounds: number('rounds', 1, 100), threads: number('threads', 1, 1024) }
    return {
      shape,
      device: values.device,
      seconds: number('seconds', 2, 600),
      ...counts,
      server: values.server,
    }
  } catch (thrown) {
    console.error(`${thrown.message}\n${USAGE}`)
    process.exit(2)
  }
}

/** The model in a folder of models, as `tandem pull` would leave it. */
function generate(folder, shape, tokenizerFrom) {
  mkdirSync(join(folder, GENERATED), { recursive: true })
  const path = `${GENERATED}.gguf`
  const { parameters, ...file } = writeGeneratedGguf(join(folder, GENERATED, path), shape, tokenizerFrom)
  const manifest = {
    id: GENERATED,
    title: `generated weights in the shape ${shape.name}: no answer means anything`,
    revision: '1',
    license: 'CC0-1.0',
    tasks: ['chat'],
    parameters,
    contextTokens: CONTEXT_TOKENS,
    files: { gguf: [{ path, ...file }] },
    chat: { groundedOnly: false },
  }
  writeFileSync(join(folder, GENERATED, 'tandem.model.json'), JSON.stringify(manifest))
  return file.sizeBytes
}

/** Stretches of this program's own code. */
function passages() {
  const dist = join(PACKAGE_ROOT, 'dist')
  const files = readdirSync(dist, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.js'))
  const code = files.map((name) => readFileSync(join(dist, name), 'utf8')).join('\n')
  return Array.from({ length: 256 }, (_, at) => code.slice(at * 450, at * 450 + 450))
}

/** `gpu1` is the second GPU of llama.cpp's list. */
async function findDevice(wanted) {
  const { devices, problem } = await discoverLlamaCpp({ signal: AbortSignal.timeout(30_000) })
  const gpus = devices.filter(({ name }) => name !== 'cpu')
  const at = /^gpu(\d+)$/.exec(wanted)?.[1]
  const found = at === undefined ? gpus.find(({ name }) => name === wanted) : gpus[Number(at)]
  if (found) return found
  const list = gpus.map(({ name, title }, index) => `gpu${index} is ${name}, ${title}`).join('; ')
  throw new Error(`llama.cpp has no device ${wanted} here: ${list || (problem ?? 'it has no GPU')}`)
}

/** What is measured, without a server around it. */
async function openWorkers(models, gpu, { threads, maxTokens }) {
  const placed = (task, model, engine, device, kind) => ({
    task,
    model,
    engine,
    device,
    kind,
    simulated: false,
  })
  const embed = models.find(EMBED)
  const chat = models.find(GENERATED)
  const encoder = startWorker({
    placement: placed('embed', EMBED, 'onnxruntime', 'cpu', 'cpu'),
    spec: { model: embed, task: 'embed', device: 'cpu', threads },
  })
  const decoder = startWorker({
    placement: placed('chat', GENERATED, 'llama.cpp', gpu.name, gpu.kind),
    spec: {
      model: chat,
      task: 'chat',
      device: gpu.name,
      threads: 1,
      contextTokens: CONTEXT_TOKENS,
      slots: 1,
    },
    env: gpu.env ?? {},
    limits: { startTimeoutMs: 600_000 },
  })
  const stop = () => Promise.all([encoder.stop(1000), decoder.stop(1000)])
  try {
    await Promise.all([encoder.ready(), decoder.ready()])
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return {
    embed: (inputs) => encoder.embed({ model: EMBED, inputs, purpose: 'passage' }),
    /** @returns tokens written; `onText` hears each piece of text */
    async chat(prompt, seed, onText) {
      const sampling = { maxTokens, temperature: 1, seed, stop: [] }
      const { usage } = await decoder.complete({ model: GENERATED, prompt, sampling }, onText)
      return usage.completionTokens
    },
    stop,
  }
}

/** The same through HTTP. */
async function openServer(folder, gpu, { threads, maxTokens }) {
  const settings = {
    models: { folders: [folder], chat: GENERATED, embed: EMBED },
    placement: { chat: `llama.cpp@${gpu.name}`, embed: 'onnxruntime@cpu' },
  }
  const config = join(folder, 'tandem.yaml')
  writeFileSync(config, JSON.stringify(settings)) // JSON is YAML
  console.error(`the server shares out the cores itself: --threads ${threads} is not used`)
  const server = await startServer(['--config', config])
  return {
    embed: (input) => callLean(`${server.url}/v1/embeddings`, { model: EMBED, input }),
    async chat(prompt, seed, onText) {
      const body = { model: GENERATED, prompt, max_tokens: maxTokens, temperature: 1, seed }
      return streamChat(`${server.url}/v1/completions`, body, onText)
    },
    stop: () => server.stop(),
  }
}

/** Writes for so many seconds. */
async function chatFor(target, seconds, round) {
  const endMs = performance.now() + seconds * 1000
  const gaps = []
  let tokens = 0
  let writingMs = 0
  for (let seed = round * 1000; performance.now() < endMs; seed++) {
    const at = []
    // the first token reads the prompt: it is no gap between tokens
    const written = await target.chat('const queue = ', seed + 1, () => at.push(performance.now()))
    for (let i = 1; i < at.length; i++) gaps.push(at[i] - at[i - 1])
    if (at.length < 2) continue
    tokens += written - 1
    writingMs += at.at(-1) - at[0]
  }
  return { tokensPerSecond: (tokens / writingMs) * 1000, p99Ms: quantile(gaps, 0.99) }
}

/** Embeds until `done`, two batches at once. */
async function embedUntil(target, texts, done) {
  const startedMs = performance.now()
  let docs = 0
  let ended = false
  done.then(() => {
    ended = true
  })
  const lane = async (from) => {
    for (let at = from; !ended; at += BATCH) {
      const inputs = Array.from({ length: BATCH }, (_, i) => texts[(at + i) % texts.length])
      await target.embed(inputs)
      docs += BATCH
    }
  }
  await Promise.all([lane(0), lane(texts.length / 2)])
  return (docs / (performance.now() - startedMs)) * 1000
}

async function measure(target, { seconds, rounds }) {
  const texts = passages()
  await chatFor(target, 1, 0)
  await embedUntil(target, texts, new Promise((resolve) => setTimeout(resolve, 500)))
  const all = []
  for (let round = 1; round <= rounds; round++) {
    const alone = await chatFor(target, seconds, round)
    const docsAlone = await embedUntil(
      target,
      texts,
      new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
    )
    const chatting = chatFor(target, seconds, round)
    const [beside, docsBeside] = await Promise.all([chatting, embedUntil(target, texts, chatting)])
    all.push({ alone, beside, docsAlone, docsBeside })
  }
  return all
}

const options = readOptions()
if (!options) console.log(USAGE)
else {
  const gpu = await findDevice(options.device)
  const folder = mkdtempSync(join(tmpdir(), 'tandem-generated-'))
  const cleanUp = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', cleanUp)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))
  const { bavail, bsize } = statfsSync(folder)
  if (options.shape.name === '14b' && bavail * bsize < 10e9)
    throw new Error(`the model takes 7.5 GB in ${folder}; 10 GB must be free there`)
  const shipped = await loadCatalogue([join(PACKAGE_ROOT, 'models')])
  const chat = shipped.find(CHAT)
  const sizeBytes = generate(folder, options.shape, join(chat.folder, chat.files.gguf[0].path))
  const models = await loadCatalogue([join(PACKAGE_ROOT, 'models'), folder])
  const opened = { threads: options.threads, maxTokens: gpu.software ? TOKENS_IN_SOFTWARE : TOKENS }
  const target = options.server
    ? await openServer(folder, gpu, opened)
    : await openWorkers(models, gpu, opened)
  try {
    const rounds = await measure(target, options)
    const of = (pick) => quantile(rounds.map(pick), 0.5)
    const how = options.server ? 'through the server' : `${options.threads} threads embed`
    report('separate-devices', [
      {
        what: 'chat model',
        value: sizeBytes / 1e9,
        unit: 'GB',
        note: `generated, shape ${options.shape.name}`,
      },
      {
        what: 'chat alone',
        value: of((r) => r.alone.tokensPerSecond),
        unit: 'tokens/s',
        note: `${gpu.name}, ${gpu.title}`,
      },
      {
        what: 'chat while the CPU embeds',
        value: of((r) => r.beside.tokensPerSecond),
        unit: 'tokens/s',
        note: how,
      },
      {
        what: 'chat keeps',
        value: of((r) => r.beside.tokensPerSecond / r.alone.tokensPerSecond),
        unit: '',
        // a GPU in software is the CPU itself: nothing is separate then
        ...(gpu.software ? { note: 'the GPU is simulated by the CPU: no target' } : { target: 0.97 }),
      },
      { what: 'between tokens, p99, alone', value: of((r) => r.alone.p99Ms), unit: 'ms' },
      { what: 'between tokens, p99, while the CPU embeds', value: of((r) => r.beside.p99Ms), unit: 'ms' },
      { what: 'embeddings alone', value: of((r) => r.docsAlone), unit: 'docs/s' },
      { what: 'embeddings while the GPU chats', value: of((r) => r.docsBeside), unit: 'docs/s' },
      { what: 'embeddings keep', value: of((r) => r.docsBeside / r.docsAlone), unit: '' },
    ])
  } finally {
    await target.stop()
  }
}
