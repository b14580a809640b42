/** Candidates and figures that the tests of the cache share. */
import { fakeWorker } from '../../../test/fakes/fault-worker.ts'
import type { Device, Measurement, Task } from '../../domain/index.ts'
import type { Candidate } from '../measure/candidate.ts'
import { refOf } from '../measure/candidate.ts'
import type { CalibrationContext } from './key.ts'

const GPU: Device = {
  id: 'gpu0',
  kind: 'dgpu',
  name: 'Intel Arc B580',
  engines: { onnxruntime: 'GPU.1' },
  simulated: false,
  pciAddress: '0000:03:00.0',
  driver: 'xe 6.12.9',
}
const CPU: Device = {
  id: 'cpu',
  kind: 'cpu',
  name: 'Core',
  engines: { onnxruntime: 'cpu' },
  simulated: false,
}

export const CONTEXT: CalibrationContext = {
  devices: [GPU, CPU],
  engineVersions: { onnxruntime: '1.30.0' },
  powerProfile: 'balanced',
}

export function candidate(task: Task = 'embed', device = 'gpu0'): Candidate {
  const options = fakeWorker(task, device)
  const placement = { ...options.placement, kind: device === 'cpu' ? ('cpu' as const) : ('dgpu' as const) }
  return { placement, options: { ...options, placement } }
}

export function figure(of: Candidate, more: Partial<Measurement> = {}): Measurement {
  const ref = refOf(of.placement)
  if (ref.task === 'chat')
    return {
      ...ref,
      from: 'measured',
      loadMs: 1000,
      decoder: { promptTokensPerSecond: 900, decodeTokensPerSecond: 50 },
      ...more,
    }
  const buckets = [
    { tokens: 128, batch: 1, msPerText: 5 },
    { tokens: 128, batch: 8, msPerText: 2 },
  ]
  return { ...ref, from: 'measured', loadMs: 10, encoder: { textsPerSecond: 500, buckets }, ...more }
}
