import type { SimulatedMachine } from '../machine.ts'
import { qwenCoder7b, qwenCoder14b } from '../models/chat.ts'
import { bgeReranker, sentimentClassifier } from '../models/encoders.ts'
import { arcB580 } from '../parts/gpus.ts'
import { contentionOf } from '../parts/shared-memory.ts'
import { arrowLakeGpu, arrowLakeNpu, core265k } from './core-ultra-265k.ts'

const devices = [
  arrowLakeNpu,
  arcB580({
    id: 'gpu0',
    pciAddress: '0000:03:00.0',
    engines: { openvino: 'GPU.1', 'llama.cpp': 'Vulkan0' },
  }),
  arrowLakeGpu('gpu1', 'Vulkan1'),
  core265k,
]

/** The reference PC. */
export const coreUltra265kB580: SimulatedMachine = {
  id: 'core-ultra-265k-b580',
  title: 'the reference PC: Core Ultra 7 265K with 64 GiB and an Arc B580',
  devices,
  contention: contentionOf(devices),
  models: [qwenCoder14b, qwenCoder7b, bgeReranker, sentimentClassifier],
}
