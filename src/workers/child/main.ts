/** Entry of a worker process: loads one engine, answers once, then serves calls over its channel until told to stop. */
import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Loaded } from '../../engines/contract.ts'
import { Channel } from '../channel.ts'
import type { WorkerInfo } from '../contract.ts'
import { childrenCpuMs } from '../process-tree.ts'
import { CHANNEL_FD, type FromChild, type LoadOrder, type ToChild, WORKER_NAME } from '../wire.ts'
import { Calls } from './calls.ts'
import { endGroup } from './end-group.ts'
import { engineError } from './engine-error.ts'
import { importEngine } from './engine-modules.ts'
import { LoadProgress } from './load-progress.ts'
import { warmUp } from './warm-up.ts'

new Worker(new URL('./watchdog.js', import.meta.url), {
  resourceLimits: { maxOldGenerationSizeMb: 16 },
}).unref()

process.on('SIGINT', () => {}) // Ctrl-C is the parent's to decide

const pipe = new Socket({ fd: CHANNEL_FD })
pipe.once('close', endGroup) // the parent is gone, or has given this process up
const channel = new Channel(pipe, { onMessage: (value) => heard(value as ToChild), onGarbage: endGroup })

const USAGE_MS = 1_000
setInterval(() => void tellUsage(), USAGE_MS).unref()

let loaded: Loaded | undefined
let calls: Calls | undefined
/** Other threads than those of the load, told while it went on. */
let wantedThreads: number | undefined
let preparing: Promise<void> | undefined

function send(message: FromChild): void {
  channel.send(message)
}

async function tellUsage(): Promise<void> {
  const started = await childrenCpuMs(process.pid)
  const { user, system } = process.cpuUsage()
  send({ type: 'usage', cpuMs: (user + system) / 1000 + started })
}

/** What goes wrong here goes wrong again in `load`, which tells of it. */
async function prepare(order: LoadOrder): Promise<void> {
  try {
    await (await importEngine(order.engine, order.modulePath)).prepare?.(order.spec)
  } catch {}
}

async function load(message: LoadOrder): Promise<void> {
  const startedMs = performance.now()
  try {
    if (preparing) process.title = WORKER_NAME
    await preparing
    const engine = await importEngine(message.engine, message.modulePath)
    const progress = new LoadProgress((share) => send({ type: 'loading', progress: share }))
    loaded = await engine.load(message.spec, (share) => progress.heard(share))
    await warmUp(loaded, message.spec)
    calls = new Calls(loaded, message, send)
    if (wantedThreads !== undefined) calls.setThreads(wantedThreads)
    const loadMs = performance.now() - startedMs
    send({ type: 'ready', info: { engineVersion: engine.version(), ...sizesOf(loaded), loadMs } })
  } catch (thrown) {
    await loaded?.dispose().catch(() => undefined) // a server may have loaded the model for us
    send({ type: 'loadFailed', error: engineError(thrown, message).toWire() })
  }
}

function sizesOf(model: Loaded): Partial<WorkerInfo> {
  switch (model.kind) {
    case 'encoder':
      return { dimensions: model.dimensions, maxTokens: model.maxTokens }
    case 'scorer':
      return { width: model.width, maxTokens: model.maxTokens }
    case 'decoder':
      return {
        contextTokens: model.contextTokens,
        slots: model.slots,
        images: model.images,
        ...(model.maxSlots === undefined ? {} : { maxSlots: model.maxSlots }),
      }
    default:
      return model satisfies never
  }
}

async function stop(): Promise<void> {
  calls?.cancelAll()
  await loaded?.dispose()
  process.exit(0)
}

function heard(message: ToChild): void {
  switch (message.type) {
    case 'prepare':
      preparing = prepare(message)
      break
    case 'ping':
      send({ type: 'pong' })
      break
    case 'load':
      void load(message)
      break
    case 'call':
      calls?.start(message.id, message.body)
      break
    case 'cancel':
      calls?.cancel(message.id)
      break
    case 'setThreads':
      wantedThreads = message.threads
      calls?.setThreads(message.threads)
      break
    case 'stop':
      void stop()
      break
    default:
      message satisfies never
  }
}
