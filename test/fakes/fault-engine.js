// An engine with faults, loaded by the real worker process. A text that begins with `fault:` does what it names;
// every other text gets a vector that depends on the text alone. LoadSpec.device names faults of the load,
// LoadSpec.settings.fault one of every call after the first `settings.after`, `settings.resumes` the traits of
// chats that it goes on with where another one began them; with `settings.tell` it prints its threads; `settings.shares` are
// told while it loads, a moment between them. One in the process of whoever asks it must not crash: `fault:lost` tells of it,
// and `settings.endsIn` is written when it is let go of.
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync, writeSync } from 'node:fs'
import { serialize } from 'node:v8'

/** Where a worker process writes its messages. */
const CHANNEL_FD = 3
const hoard = []
/** What the last load told of its end with. */
let onLost = () => {}

/** A message in the right form, whatever it says. */
function tell(message) {
  const body = serialize(message)
  const header = Buffer.alloc(4)
  header.writeUInt32LE(body.length)
  writeSync(CHANNEL_FD, Buffer.concat([header, body]))
}

/** More than the time between two messages about a load. */
const SHARE_MS = 300
const DIMENSIONS = 8
const LIMIT = 512

/** The vector of a text: deterministic, unit length. */
export function vectorOf(input) {
  const text = typeof input === 'string' ? input : input.join(' ')
  const vector = new Float32Array(DIMENSIONS)
  for (let i = 0; i < text.length; i++) vector[i % DIMENSIONS] += text.charCodeAt(i)
  vector[0] += 1
  const norm = Math.hypot(...vector)
  return vector.map((x) => x / norm)
}

const sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) reject(new Error('aborted'))
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(new Error('aborted'))
    })
  })

function busy(ms) {
  const end = Date.now() + ms
  while (Date.now() < end);
}

async function fault(text, signal) {
  const [, name, argument] = text.split(':')
  if (name === 'crash') {
    process.stderr.write('fake device lost\n')
    process.exit(Number(argument ?? 3))
  } else if (name === 'abort') process.abort()
  else if (name === 'lost') onLost('the fake server is gone', false)
  else if (name === 'hang') busy(Number(argument ?? 3_600_000))
  else if (name === 'slow') await sleep(Number(argument ?? 200), signal)
  else if (name === 'deaf')
    await sleep(Number(argument ?? 3_600_000)) // never looks at the signal
  else if (name === 'memory') throw new RangeError('Array buffer allocation failed')
  else if (name === 'error') throw new Error('it does not work')
  else if (name === 'heap') {
    process.stderr.write(
      'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n',
    )
    process.abort()
  } else if (name === 'fill') for (;;) hoard.push(new Array(100_000).fill(0.5))
  else if (name === 'uncaught') {
    setImmediate(() => {
      throw new Error('nobody caught this')
    })
    await sleep(3_600_000)
  } else if (name === 'hog') hoard.push(Buffer.alloc(Number(argument ?? 200) * 2 ** 20, 1))
  else if (name === 'stop') process.kill(process.pid, 'SIGSTOP')
  else if (name === 'die-once') {
    // the next process that comes here finds the file
    if (existsSync(argument)) return
    writeFileSync(argument, '')
    process.kill(process.pid, 'SIGKILL')
    await sleep(3_600_000) // nothing more is said until the signal has struck
  } else if (name === 'until') while (!existsSync(argument)) await sleep(5, signal)
  else if (name === 'bytes') writeSync(CHANNEL_FD, Buffer.from([4, 0, 0, 0, 1, 2, 3, 4]))
  else if (name === 'length') writeSync(CHANNEL_FD, Buffer.alloc(64, 0xff))
  else if (name === 'message') tell({ type: 'delta', id: 1, delta: 'no object' })
  else if (name === 'word') tell({ type: 'nonsense' })
  else if (name === 'driver') {
    // what an engine throws for a device that is lost: a TandemError of the built domain
    const { TandemError } = await import('../../dist/domain/index.js')
    throw new TandemError('DRIVER_MISSING', { device: 'fake', why: 'device lost' })
  } else if (name === 'child')
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
}

async function embed(inputs, _purpose, signal) {
  for (const input of inputs)
    if (typeof input === 'string' && input.startsWith('fault:')) await fault(input, signal)
  const garbage = inputs.find((input) => String(input).startsWith('fault:garbage'))
  const count = garbage === 'fault:garbage:count' ? inputs.length + 1 : inputs.length
  const vectors = new Float32Array(count * DIMENSIONS)
  for (const [i, input] of inputs.entries()) vectors.set(vectorOf(input), i * DIMENSIONS)
  if (garbage === 'fault:garbage:nan') vectors[0] = Number.NaN
  if (garbage === 'fault:garbage:infinite') vectors[DIMENSIONS - 1] = Number.NEGATIVE_INFINITY
  if (garbage === 'fault:garbage:zeros') vectors.fill(0)
  if (garbage === 'fault:garbage:nothing') return undefined
  if (garbage === 'fault:garbage:plain') return { vectors: [...vectors], dimensions: DIMENSIONS, tokens: [1] }
  if (garbage === 'fault:garbage:cut')
    return { vectors, dimensions: DIMENSIONS, tokens: inputs.map(() => 1), truncated: [7] }
  if (garbage === 'fault:garbage:tokens')
    return { vectors, dimensions: DIMENSIONS, tokens: inputs.map(() => Number.NaN), truncated: [] }
  const tokens = inputs.map((input) => Math.min(LIMIT, input.length))
  const truncated = inputs.flatMap((input, i) => (input.length > LIMIT ? [i] : []))
  return { vectors, dimensions: DIMENSIONS, tokens, truncated }
}

/** The scores of a text or pair: `width` numbers that depend on it alone. */
export function scoresOf(input, width) {
  const { query, text } = typeof input === 'string' ? { query: '', text: input } : input
  return vectorOf(`${query}|${text}`).slice(0, width)
}

async function score(inputs, width, signal, maxTextTokens = LIMIT) {
  const texts = inputs.map((input) => (typeof input === 'string' ? input : input.text))
  for (const text of texts) if (text.startsWith('fault:')) await fault(text, signal)
  const count = texts.includes('fault:garbage:count') ? inputs.length + 1 : inputs.length
  const scores = new Float32Array(count * width)
  for (const [i, input] of inputs.entries()) scores.set(scoresOf(input, width), i * width)
  if (texts.includes('fault:garbage:nan')) scores[0] = Number.NaN
  const tokens = texts.map((text) => Math.min(maxTextTokens, text.length))
  const truncated = texts.flatMap((text, i) => (text.length > maxTextTokens ? [i] : []))
  return { scores, width: texts.includes('fault:garbage:width') ? width + 1 : width, tokens, truncated }
}

/**
 * Echoes the last message word by word, each a token; `fault:` words do what they name where they stand. With `resume`
 * it goes on after the words that were sent.
 */
async function echo(text, { sampling, resume }, onDelta, signal) {
  const words = text.split(' ').slice(0, sampling.maxTokens ?? 1000)
  const from = resume?.tokens.length ?? 0
  let said = ''
  for (let i = from; i < words.length; i++) {
    if (words[i].startsWith('fault:')) await fault(words[i], signal)
    if (signal.aborted) throw new Error('aborted')
    const piece = i === 0 ? words[i] : ` ${words[i]}`
    said += piece
    onDelta({ type: 'text', text: piece, tokens: [i] })
    await sleep(1)
  }
  if (text.includes('garbage:end')) return { text }
  return {
    text: said,
    toolCalls: [],
    finishReason: 'stop',
    usage: { promptTokens: 1, completionTokens: words.length - from, cachedTokens: 0 },
    timings: { firstTokenMs: 1, decodeMs: words.length - from },
  }
}

/** Prints the threads that it is given, at its load and later. */
function telling(loaded, { settings, threads, blockThreads }) {
  if (!settings?.tell) return loaded
  process.stdout.write(`loaded: ${threads} threads, block for ${blockThreads}\n`)
  const setThreads = async (wanted) => {
    if (settings.tell === 'failing') throw new Error('no room for another session')
    process.stdout.write(`now: ${wanted} threads\n`)
  }
  return { ...loaded, setThreads }
}

const encoder = { kind: 'encoder', dimensions: DIMENSIONS, maxTokens: LIMIT, embed, dispose: async () => {} }

const scorer = (width) => ({
  kind: 'scorer',
  width,
  maxTokens: LIMIT,
  score: (inputs, signal, maxTextTokens) => score(inputs, width, signal, maxTextTokens),
  dispose: async () => {},
})

async function tooLong(limit, content) {
  const { TandemError } = await import('../../dist/domain/index.js')
  throw new TandemError('CONTEXT_LENGTH_EXCEEDED', { limit, tokens: content.split(' ').length })
}

const decoder = (spec) => ({
  kind: 'decoder',
  contextTokens: spec.contextTokens ?? 2048,
  slots: spec.slots ?? 2,
  resumes: spec.settings?.resumes ?? [
    'chat',
    'text',
    'tools',
    'json',
    'infill',
    ...(spec.settings?.images ? ['images'] : []),
  ],
  images: spec.settings?.images ?? false,
  chat: async (request, onDelta, signal) => {
    const { content } = request.messages.at(-1)
    const { contextTokens: limit = 2048 } = spec
    if (content.split(' ').length > limit) await tooLong(limit, content)
    return echo(content, request, onDelta, signal)
  },
  complete: (request, onDelta, signal) => echo(request.prompt, request, onDelta, signal),
  countTokens: async (texts) => texts.map((text) => text.split(' ').length),
  countPrompt: async ({ messages }) => ({
    tokens: messages.reduce((sum, message) => sum + message.content.split(' ').length, 0),
    estimated: false,
  }),
  tokenize: async ({ text }) => text.split(' ').map((word) => word.length),
  detokenize: async (tokens) => tokens.map((length) => 'x'.repeat(length)).join(' '),
  dispose: async () => {},
})

/** @param after calls without the fault; one is the worker's own */
function faulty(loaded, { fault: text, after = 1 } = {}) {
  if (text === undefined) return loaded
  let calls = 0
  const before =
    (method) =>
    async (...args) => {
      if (calls++ >= after) await fault(text)
      return method(...args)
    }
  const methods = ['embed', 'score', 'chat', 'complete'].filter((name) => name in loaded)
  return { ...loaded, ...Object.fromEntries(methods.map((name) => [name, before(loaded[name])])) }
}

export const engine = {
  descriptor: {
    id: 'onnxruntime',
    title: 'fake',
    tasks: ['embed', 'rerank', 'classify', 'chat'],
    devices: ['cpu'],
    formats: ['onnx'],
    needs: '',
  },
  version: () => 'fake 1',
  async load(spec, context) {
    const { signal, onProgress } = context
    onLost = context.onLost
    if (spec.settings?.endsIn) signal.addEventListener('abort', () => writeFileSync(spec.settings.endsIn, ''))
    await fault(spec.device, signal)
    for (const share of spec.settings?.shares ?? []) {
      onProgress(share)
      await sleep(SHARE_MS)
    }
    if (spec.device === 'fault:bad-file') {
      // what an engine throws for a broken file: a TandemError of the built domain
      const { TandemError } = await import('../../dist/domain/index.js')
      throw new TandemError('MODEL_FILE_BAD', { file: 'model.onnx', why: 'wrong hash' })
    }
    if (spec.task === 'chat') return telling(faulty(decoder(spec), spec.settings), spec)
    const loaded = spec.task === 'embed' ? encoder : scorer(spec.task === 'rerank' ? 1 : 3)
    return telling(faulty(loaded, spec.settings), spec)
  },
}
