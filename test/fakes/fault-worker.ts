/** Options of a worker on the fake engine, and what its faults are called. */
import { fileURLToPath } from 'node:url'
import type { Model, Placement, Task } from '../../src/domain/index.ts'
import type { WorkerOptions } from '../../src/workers/index.ts'

export const FAULT_ENGINE = fileURLToPath(new URL('./fault-engine.js', import.meta.url))

export const FAKE_MODEL: Model = {
  id: 'fake',
  title: 'A fake',
  revision: '1',
  license: 'Apache-2.0',
  tasks: ['embed', 'rerank', 'classify', 'chat'],
  parameters: 1,
  contextTokens: 512,
  files: {},
  folder: '/nowhere',
  fingerprint: 'fake',
}

/**
 * @param device id of the placement's device
 * @param loadFault what the load does, e.g. `fault:crash`; absent: it works
 */
export function fakeWorker(
  task: Task,
  device = 'cpu',
  more: Partial<WorkerOptions> & { loadFault?: string } = {},
): WorkerOptions {
  const { loadFault, ...options } = more
  const placement: Placement = {
    task,
    model: FAKE_MODEL.id,
    engine: 'onnxruntime',
    device,
    kind: 'cpu',
    simulated: false,
  }
  return {
    placement,
    spec: { model: FAKE_MODEL, task, device: loadFault ?? 'cpu', threads: 1, slots: 2 },
    modulePath: FAULT_ENGINE,
    ...options,
  }
}
