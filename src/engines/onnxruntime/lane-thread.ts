/** Entry of a lane: one session of ONNX Runtime, one inference at a time. */
import { parentPort, workerData } from 'node:worker_threads'
import type { BatchOutput, TokenRow } from '../encoder/index.ts'
import { poolRows } from '../encoder/pool.ts' // not its index: each lane would load a tokenizer
import type { FromLane, LaneSpec, ToLane } from './lane.ts'
import { openModel } from './model.ts'

const port = parentPort! // this module runs in a thread
const spec = workerData as LaneSpec
const model = await answered(async () => {
  const opened = await openModel(spec)
  port.postMessage({ type: 'opened' } satisfies FromLane)
  return opened
})

let last = Promise.resolve()
port.on('message', (message: ToLane) => {
  last = last.then(() => (message.type === 'close' ? close() : run(message.rows)))
})

async function run(rows: readonly TokenRow[]): Promise<void> {
  await answered(async () => {
    const output = ownOutput(await model!.run(rows), rows)
    port.postMessage({ type: 'ran', output } satisfies FromLane, [output.data.buffer as ArrayBuffer])
  })
}

/** The library's own memory cannot go to another thread. */
function ownOutput({ data, shape }: BatchOutput, rows: readonly TokenRow[]): BatchOutput {
  const [height, width, dimensions] = shape
  if (!spec.pooling || shape.length !== 3) return { data: new Float32Array(data), shape }
  const { pooling, normalize } = spec.pooling
  const vectors = new Float32Array(height! * dimensions!)
  const lengths = rows.map(({ ids }) => ids.length)
  poolRows(data, width!, dimensions!, lengths, pooling, normalize, vectors, [...rows.keys()])
  return { data: vectors, shape: [height!, dimensions!], isPooled: true }
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
