/** Entry of a worker process: loads one engine, answers once, then serves calls over IPC until told to stop. */
import { Worker } from 'node:worker_threads'
import { asTandemError } from '../../domain/index.ts'
import type { Loaded } from '../../engines/contract.ts'
import type { WorkerInfo } from '../contract.ts'
import type { FromChild, ToChild } from '../wire.ts'
import { Calls } from './calls.ts'
import { endGroup } from './end-group.ts'
import { importEngine } from './engine-modules.ts'
import { warmUp } from './warm-up.ts'

new Worker(new URL('./watchdog.js', import.meta.url), {
  resourceLimits: { maxOldGenerationSizeMb: 16 },
}).unref()

process.on('SIGINT', () => {}) // Ctrl-C is the parent's to decide
process.on('disconnect', endGroup)

let loaded: Loaded | undefined
let calls: Calls | undefined
/** Other threads than those of the load, told while it went on. */
let wantedThreads: number | undefined

function send(message: FromChild): void {
  // a channel that broke ends this process by 'disconnect'
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

async function load(message: Extract<ToChild, { type: 'load' }>): Promise<void> {
  const startedMs = performance.now()
  try {
    const engine = await importEngine(message.engine, message.modulePath)
    loaded = await engine.load(message.spec)
    await warmUp(loaded, message.spec)
    calls = new Calls(loaded, message.engine, send)
    if (wantedThreads !== undefined) calls.setThreads(wantedThreads)
    const loadMs = performance.now() - startedMs
    send({ type: 'ready', info: { engineVersion: engine.version(), ...sizesOf(loaded), loadMs } })
  } catch (thrown) {
    const error = asTandemError(thrown, 'ENGINE_FAILED', { engine: message.engine })
    send({ type: 'loadFailed', error: error.toWire() })
  }
}

function sizesOf(model: Loaded): Partial<WorkerInfo> {
  switch (model.kind) {
    case 'encoder':
      return { dimensions: model.dimensions, maxTokens: model.maxTokens }
    case 'scorer':
      return { width: model.width, maxTokens: model.maxTokens }
    case 'decoder':
      return { contextTokens: model.contextTokens, slots: model.slots }
    default:
      return model satisfies never
  }
}

async function stop(): Promise<void> {
  calls?.cancelAll()
  await loaded?.dispose()
  process.exit(0)
}

process.on('message', (message: ToChild) => {
  switch (message.type) {
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
})
