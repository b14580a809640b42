/** Entry of a lane: one session of ONNX Runtime, one inference at a time. */
import { parentPort, workerData } from 'node:worker_threads'
import type { TokenRow } from '../encoder/index.ts'
import type { FromLane, ToLane } from './lane.ts'
import { type OnnxModelSpec, openModel } from './model.ts'

const port = parentPort! // this module runs in a thread
const model = await answered(async () => {
  const opened = await openModel(workerData as OnnxModelSpec)
  port.postMessage({ type: 'opened' } satisfies FromLane)
  return opened
})

let last = Promise.resolve()
port.on('message', (message: ToLane) => {
  last = last.then(() => (message.type === 'close' ? close() : run(message.rows)))
})

async function run(rows: readonly TokenRow[]): Promise<void> {
  await answered(async () => {
    const { data, shape } = await model!.run(rows)
    const copy = new Float32Array(data) // the library's own memory cannot go to another thread
    port.postMessage({ type: 'ran', output: { data: copy, shape } } satisfies FromLane, [copy.buffer])
  })
}

async function close(): Promise<void> {
  await model?.dispose()
  port.close()
}

async function answered<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    port.postMessage({ type: 'failed', why } satisfies FromLane)
    return undefined
  }
}
