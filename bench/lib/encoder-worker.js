// A worker of the product with the shipped embedding model, as the scheduler drives it: batches of 64, one ahead.
import { startWorker } from '../../dist/workers/index.js'
import { openVinoLibrary } from './openvino.js'
import { embeddingModel } from './raw-onnxruntime.js'

const BATCH = 64
const AHEAD = 2

/** @param {'openvino' | 'onnxruntime'} engine @param {number} threads */
export async function openEncoder(engine, threads) {
  const model = await embeddingModel()
  const device = engine === 'openvino' ? 'CPU' : 'cpu'
  const settings = engine === 'openvino' ? { settings: { library: await openVinoLibrary() } } : {}
  const worker = startWorker({
    placement: { task: 'embed', model: model.id, engine, device, kind: 'cpu', simulated: false },
    spec: { model, task: 'embed', device, threads, ...settings },
  })
  await worker.ready()
  return {
    /** @param {readonly string[]} texts */
    async embedAll(texts) {
      let next = 0
      const lane = async () => {
        while (next < texts.length) {
          const inputs = texts.slice(next, next + BATCH)
          next += BATCH
          await worker.embed({ model: model.id, inputs, purpose: 'passage' })
        }
      }
      await Promise.all(Array.from({ length: AHEAD }, lane))
    },
    stop: () => worker.stop(2000),
  }
}
