/** Entry of the parse thread: walking, reading, hashing and chunking happen here, never on the main event loop. */
import { parentPort } from 'node:worker_threads'
import { asTandemError } from '../../domain/index.ts'
import { explainPath } from './explain.ts'
import { BATCHES_AHEAD, type FromThread, type ToThread } from './parse-protocol.ts'
import { type ScanBatch, scanPaths, scanTree } from './scan.ts'

/** A running scan: how many batches are out, and how to wake it. */
interface Job {
  ahead: number
  cancelled: boolean
  wake: () => void
}

const jobs = new Map<number, Job>()
const port = parentPort
if (!port) throw new Error('parse-thread is the entry of a worker thread')
const send = (message: FromThread): void => port.postMessage(message)

port.on('message', (message: ToThread) => {
  const job = jobs.get(message.id)
  if (message.type === 'taken' && job) {
    job.ahead -= 1
    job.wake()
  } else if (message.type === 'cancel' && job) {
    job.cancelled = true
    job.wake()
  } else if (message.type === 'scan') void stream(message.id, scanTree(message.request))
  else if (message.type === 'paths') void stream(message.id, scanPaths(message.request))
  else if (message.type === 'explain') explain(message)
})

async function stream(id: number, batches: AsyncGenerator<ScanBatch>): Promise<void> {
  const job: Job = { ahead: 0, cancelled: false, wake: () => {} }
  jobs.set(id, job)
  try {
    for await (const batch of batches) {
      if (job.cancelled) break
      send({ type: 'batch', id, batch })
      job.ahead += 1
      while (job.ahead >= BATCHES_AHEAD && !job.cancelled)
        await new Promise<void>((resolve) => {
          job.wake = resolve
        })
    }
    send({ type: 'done', id })
  } catch (error) {
    send({ type: 'failed', id, error: asTandemError(error).toWire() })
  } finally {
    jobs.delete(id)
  }
}

function explain({ id, request }: Extract<ToThread, { type: 'explain' }>): void {
  try {
    send({ type: 'done', id, verdict: explainPath(request.root, request.path, request.options) })
  } catch (error) {
    send({ type: 'failed', id, error: asTandemError(error).toWire() })
  }
}
