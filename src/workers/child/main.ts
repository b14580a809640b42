/** Entry of a worker process: loads one engine, answers once, then serves calls over its channel until told to stop. */
import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { Channel } from '../channel.ts'
import { childrenCpuMs } from '../process-tree.ts'
import { CHANNEL_FD, type FromChild, type ToChild, WORKER_NAME } from '../wire.ts'
import { endGroup } from './end-group.ts'
import { ownHome } from './own-home.ts'
import { Service } from './service.ts'

new Worker(new URL('./watchdog.js', import.meta.url), {
  resourceLimits: { maxOldGenerationSizeMb: 16 },
}).unref()

process.on('SIGINT', () => {}) // Ctrl-C is the parent's to decide

const pipe = new Socket({ fd: CHANNEL_FD })
pipe.once('close', endGroup) // the parent is gone, or has given this process up
const channel = new Channel(pipe, { onMessage: (value) => heard(value as ToChild), onGarbage: endGroup })
const service = new Service((message) => channel.send(message), ownHome)

const USAGE_MS = 1_000
setInterval(() => void tellUsage(), USAGE_MS).unref()

async function tellUsage(): Promise<void> {
  const started = await childrenCpuMs(process.pid)
  const { user, system } = process.cpuUsage()
  channel.send({ type: 'usage', cpuMs: (user + system) / 1000 + started } satisfies FromChild)
}

let isStandby = false

function heard(message: ToChild): void {
  if (message.type === 'load' && isStandby) process.title = WORKER_NAME
  isStandby ||= message.type === 'prepare'
  service.heard(message)
}
