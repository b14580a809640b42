/** Entry of the store's worker thread: owns the database and the vectors, answers one port. */
import { parentPort, workerData } from 'node:worker_threads'
import { asTandemError } from '../../../domain/index.ts'
import { EmbeddedIndex } from './embedded-index.ts'
import type { Reply, Request, ThreadData } from './rpc.ts'

const port = parentPort
if (!port) throw new Error('the index store runs in a worker thread')
const { folder, space } = workerData as ThreadData
const send = (reply: Reply): void => port.postMessage(reply)
const wire = (thrown: unknown) =>
  asTandemError(thrown, 'ENGINE_FAILED', { engine: 'the index store' }).toWire()

try {
  const index = EmbeddedIndex.open(folder, space, (text) => send({ type: 'warning', text }))
  port.on('message', ({ id, method, args }: Request) => {
    // The client's types made the arguments fit the method.
    const call = index[method] as (...values: readonly unknown[]) => Promise<unknown>
    call.apply(index, [...args]).then(
      (value) => {
        send({ type: 'result', id, value })
        if (method === 'close') port.close()
      },
      (thrown) => send({ type: 'error', id, error: wire(thrown) }),
    )
  })
  send({ type: 'opened' })
} catch (thrown) {
  send({ type: 'failed', error: wire(thrown) })
  port.close()
}
