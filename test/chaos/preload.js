// Loaded into the server and its workers by NODE_OPTIONS: faults that only the process itself can make. SIGUSR2 makes
// it do what `PID.json` in the folder says; `load.json` is for the worker that loads a model next.
import { readFileSync, renameSync, writeSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/** A worker's pipe to its server, and the bytes before each message that hold its length. */
const CHANNEL_FD = 3
const HEADER_BYTES = 4
const v8 = createRequire(import.meta.url)('node:v8')
const folder = process.env['TANDEM_CHAOS_FOLDER']
const HOG_STEP_BYTES = 64 * 2 ** 20
const HOG_STEP_MS = 25
const COLLECT_MS = 10_000
const faultEngine = fileURLToPath(new URL('../fakes/fault-engine.js', import.meta.url))

/** Reads a command; one that another process took first is not there. */
function take(name) {
  try {
    const taken = join(folder, `taken-${process.pid}.json`)
    renameSync(join(folder, name), taken)
    return JSON.parse(readFileSync(taken, 'utf8'))
  } catch {
    return undefined
  }
}

const held = []
const commands = {
  /** A header that promises a message, and noise after it. */
  garbageBytes() {
    const noise = Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 197 + 91) % 256))
    noise.writeUInt32LE(noise.length - HEADER_BYTES, 0)
    writeSync(CHANNEL_FD, noise)
  },
  /** Well-formed messages that mean nothing. */
  garbageObjects() {
    const lies = [
      null,
      42,
      'ready',
      [],
      {},
      { type: 'nonsense' },
      { type: 'result' },
      { type: 'result', id: 'one', value: 1 },
      { type: 'error', id: 1 },
      { type: 'delta', id: 1, delta: null },
      { type: 'ready' },
      { type: 'loadFailed' },
    ]
    for (const lie of lies) {
      const body = v8.serialize(lie)
      const header = Buffer.alloc(HEADER_BYTES)
      header.writeUInt32LE(body.length)
      writeSync(CHANNEL_FD, Buffer.concat([header, body]))
    }
  },
  /** Takes memory and touches it, step by step, up to a bound. */
  hog({ bytes }) {
    const timer = setInterval(() => {
      held.push(Buffer.alloc(HOG_STEP_BYTES, held.length + 1))
      if (held.length * HOG_STEP_BYTES >= bytes) clearInterval(timer)
    }, HOG_STEP_MS)
  },
  /** The wall clock jumps, as after a correction; monotonic clocks go on. */
  clock({ byMs }) {
    const Real = Date
    const now = () => Real.now() + byMs
    globalThis.Date = class extends Real {
      constructor(...given) {
        if (given.length === 0) super(now())
        else super(...given)
      }
      static now() {
        return now()
      }
    }
  },
}

/** What the server orders passes here before the worker sees it. */
function atLoad() {
  const read = v8.deserialize
  v8.deserialize = (bytes) => {
    const message = read(bytes)
    if (message?.type !== 'load') return message
    const { slowMs, failOpen } = take('load.json') ?? {}
    if (slowMs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slowMs)
    if (!failOpen) return message
    // its load fails as one whose driver is gone
    return { ...message, modulePath: faultEngine, spec: { ...message.spec, device: `fault:${failOpen}` } }
  }
  syncBuiltinESMExports()
}

/** What a process still needs, without what waits to be collected: V8 lets that grow for many minutes. */
function collectOften() {
  v8.setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  setInterval(collect, COLLECT_MS).unref()
}

if (process.env['TANDEM_CHAOS_COLLECT'] && isMainThread) collectOften()
if (folder && isMainThread) {
  const isWorker = process.env['TANDEM_PARENT_PID'] !== undefined
  if (isWorker || process.argv[2] === 'serve')
    process.on('SIGUSR2', () => {
      const command = take(`${process.pid}.json`)
      if (command) commands[command.name](command)
    })
  if (isWorker) atLoad()
}
