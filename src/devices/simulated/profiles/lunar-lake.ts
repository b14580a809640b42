import { estimated, known } from '../figure.ts'
import type { SimulatedMachine } from '../machine.ts'
import { qwenCoder7b } from '../models/chat.ts'
import { bgeReranker, sentimentClassifier } from '../models/encoders.ts'
import { cpu } from '../parts/cpus.ts'
import { gpu } from '../parts/gpus.ts'
import { intelNpu, npu4000Tflops, npuWatts } from '../parts/npus.ts'
import { contentionOf } from '../parts/shared-memory.ts'

const memory = known(136.5, 'published memory bandwidth of LPDDR5X-8533 in Lunar Lake')

const devices = [
  intelNpu({
    architecture: '4000',
    memoryBytes: 16 * 1024 ** 3,
    bandwidth: memory,
    encoderTflops: npu4000Tflops,
    busyWatts: npuWatts,
  }),
  gpu({
    id: 'gpu0',
    kind: 'igpu',
    name: 'Intel Arc 140V, 8 Xe2 cores',
    engines: { openvino: 'GPU', 'llama.cpp': 'Vulkan0' },
    vendor: 'intel',
    pciAddress: '0000:00:02.0',
    driver: 'xe (simulated)',
    memoryGiB: 16,
    figures: {
      bandwidth: memory,
      decodeShare: known(
        0.62,
        'intel/llm-scaler pull request 335: Qwen3-8B in INT4 17.6 tokens/s on an Arc 140V, by 4.8 GB of weights',
      ),
      promptTflops: estimated(
        8,
        'less than half of that of an Arc B580: 8 Xe2 cores at lower clocks, it has 20',
      ),
      busyWatts: estimated(17, 'the base power of the whole processor'),
    },
  }),
  cpu({
    name: 'Intel Core Ultra 7 258V',
    vendor: 'intel',
    memoryGiB: 32,
    threads: 8,
    cores: { performance: 4, efficiency: 4 },
    bandwidth: memory,
    idleWatts: estimated(3, 'a laptop at rest'),
    busyWatts: known(17, 'published base power of the Core Ultra 7 258V'),
  }),
]

export const lunarLake: SimulatedMachine = {
  id: 'lunar-lake',
  title: 'a Lunar Lake laptop: Core Ultra 7 258V with 32 GiB',
  devices,
  contention: contentionOf(devices),
  models: [qwenCoder7b, bgeReranker, sentimentClassifier],
}
