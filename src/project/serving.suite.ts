/** Embedding for the tests of this room: the shipped model in its own process, and faults put before it. */
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../config/index.ts'
import type { EmbedRequest, Model } from '../domain/index.ts'
import { loadCatalogue } from '../models/index.ts'
import type { RequestContext, Serving } from '../scheduling/contract.ts'
import { startWorker } from '../workers/index.ts'

export type EmbedServing = Pick<Serving, 'embed'>

export interface TestServing extends EmbedServing {
  readonly model: Model
  /** Inputs embedded as passages so far. */
  readonly embedded: () => number
  /** Called before each request; throws to fail it. */
  fault: ((request: EmbedRequest, context: RequestContext) => void | Promise<void>) | undefined
  stop(): Promise<void>
}

/** Starts the shipped embedding model on the CPU. */
export async function startServing(): Promise<TestServing> {
  const model = (await loadCatalogue([join(PACKAGE_ROOT, 'models')])).find('tandem-embed-small')
  const placement = {
    task: 'embed',
    model: model.id,
    engine: 'onnxruntime',
    device: 'cpu',
    kind: 'cpu',
    simulated: false,
  } as const
  const worker = startWorker({ placement, spec: { model, task: 'embed', device: 'cpu', threads: 1 } })
  await worker.ready()
  let embedded = 0
  const serving: TestServing = {
    model,
    embedded: () => embedded,
    fault: undefined,
    async embed(request, context) {
      await serving.fault?.(request, context)
      const result = await worker.embed(request, context.signal ? { signal: context.signal } : {})
      if (request.purpose === 'passage') embedded += request.inputs.length
      return { result, servedBy: { model: model.id, engine: 'onnxruntime', device: 'cpu', simulated: false } }
    },
    stop: () => worker.stop(0),
  }
  return serving
}
