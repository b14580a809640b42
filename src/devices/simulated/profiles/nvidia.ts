import { estimated, known } from '../figure.ts'
import type { SimulatedMachine } from '../machine.ts'
import { qwenCoder14b } from '../models/chat.ts'
import { bgeReranker, sentimentClassifier } from '../models/encoders.ts'
import { cpu } from '../parts/cpus.ts'
import { gpu, rtx4070 } from '../parts/gpus.ts'
import { contentionOf } from '../parts/shared-memory.ts'

const memory = known(89.6, 'published memory bandwidth of two channels of DDR5-5600')

const devices = [
  rtx4070({ id: 'gpu0', pciAddress: '0000:01:00.0', engines: { 'llama.cpp': 'Vulkan0' } }),
  gpu({
    id: 'gpu1',
    kind: 'igpu',
    name: 'Intel UHD Graphics 770',
    engines: { openvino: 'GPU', 'llama.cpp': 'Vulkan1' },
    vendor: 'intel',
    pciAddress: '0000:00:02.0',
    driver: 'i915 (simulated)',
    memoryGiB: 16,
    figures: {
      bandwidth: memory,
      decodeShare: estimated(0.4, 'too few threads to keep the memory busy'),
      promptTflops: estimated(0.4, 'half of its published peak of about 0.8 TFLOPS in 32 bits'),
      busyWatts: estimated(15, 'its part of the package'),
    },
  }),
  cpu({
    name: 'Intel Core i5-13600K',
    vendor: 'intel',
    memoryGiB: 32,
    threads: 20,
    cores: { performance: 6, efficiency: 8 },
    bandwidth: memory,
    busyWatts: known(125, 'published base power of the Core i5-13600K'),
  }),
]

export const nvidia: SimulatedMachine = {
  id: 'nvidia',
  title: 'a PC with a GeForce RTX 4070, a Core i5-13600K and no NPU',
  devices,
  contention: contentionOf(devices),
  models: [qwenCoder14b, bgeReranker, sentimentClassifier],
}
