// Loaded into the server and its workers by NODE_OPTIONS: faults that only the process itself can make. SIGUSR2 makes
// it do what `PID.json` in the folder says; `start.json` is for the worker that starts next.
import { readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

// taken early: a worker hides its channel from the engine that it loads
const send = process.send?.bind(process)
const channelFd = process.channel?.fd
const folder = process.env['TANDEM_CHAOS_FOLDER']
const HOG_STEP_BYTES = 64 * 2 ** 20
const HOG_STEP_MS = 25
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
  /** Bytes that are no message: a length of 2 GiB, then noise. */
  garbageBytes() {
    const noise = Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 197 + 91) % 256))
    noise.writeUInt32BE(0x7fffffff, 0)
    writeSync(channelFd, noise)
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
    for (const lie of lies) send(lie, undefined, undefined, () => {})
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

function atStart({ slowMs, failOpen }) {
  if (slowMs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slowMs)
  if (!failOpen) return
  const emit = process.emit
  process.emit = function (event, message, ...more) {
    if (event === 'message' && message?.type === 'load') {
      message.modulePath = faultEngine // its load fails as one whose driver is gone
      message.spec.device = `fault:${failOpen}`
    }
    return emit.call(this, event, message, ...more)
  }
}

if (folder && isMainThread) {
  const isWorker = process.env['TANDEM_PARENT_PID'] !== undefined
  if (isWorker || process.argv[2] === 'serve')
    process.on('SIGUSR2', () => {
      const command = take(`${process.pid}.json`)
      if (command) commands[command.name](command)
    })
  if (isWorker) atStart(take('start.json') ?? {})
}
