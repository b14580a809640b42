import { known } from '../figure.ts'
import type { SimulatedMachine } from '../machine.ts'
import { qwenCoder32b } from '../models/chat.ts'
import { bgeReranker, sentimentClassifier } from '../models/encoders.ts'
import { cpu } from '../parts/cpus.ts'
import { arcProB60 } from '../parts/gpus.ts'
import { contentionOf } from '../parts/shared-memory.ts'

const devices = [
  arcProB60({
    id: 'gpu0',
    pciAddress: '0000:03:00.0',
    engines: { openvino: 'GPU.0', 'llama.cpp': 'Vulkan0' },
  }),
  arcProB60({
    id: 'gpu1',
    pciAddress: '0000:07:00.0',
    engines: { openvino: 'GPU.1', 'llama.cpp': 'Vulkan1' },
  }),
  cpu({
    name: 'Intel Core i7-14700KF',
    vendor: 'intel',
    memoryGiB: 128,
    threads: 28,
    cores: { performance: 8, efficiency: 12 },
    bandwidth: known(89.6, 'published memory bandwidth of two channels of DDR5-5600'),
    busyWatts: known(125, 'published base power of the Core i7-14700KF'),
  }),
]

export const dualB60: SimulatedMachine = {
  id: 'dual-b60',
  title: 'a PC with two Arc Pro B60 of 24 GB and no NPU',
  devices,
  contention: contentionOf(devices),
  models: [qwenCoder32b, bgeReranker, sentimentClassifier],
}
