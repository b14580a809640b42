import { estimated, known } from '../figure.ts'
import type { SimulatedMachine } from '../machine.ts'
import { qwen3Coder30b } from '../models/chat.ts'
import { bgeReranker, sentimentClassifier } from '../models/encoders.ts'
import { cpu } from '../parts/cpus.ts'
import { gpu } from '../parts/gpus.ts'
import { intelNpu, npu5010Tflops, npuWatts } from '../parts/npus.ts'
import { contentionOf } from '../parts/shared-memory.ts'

const memory = known(153.6, 'published memory bandwidth of LPDDR5X-9600 in Panther Lake')

const devices = [
  intelNpu({
    architecture: '5010',
    memoryBytes: 32 * 1024 ** 3,
    bandwidth: memory,
    encoderTflops: npu5010Tflops,
    busyWatts: npuWatts,
  }),
  gpu({
    id: 'gpu0',
    kind: 'igpu',
    name: 'Intel Arc B390, 12 Xe3 cores',
    engines: { openvino: 'GPU', 'llama.cpp': 'Vulkan0' },
    vendor: 'intel',
    pciAddress: '0000:00:02.0',
    driver: 'xe (simulated)',
    memoryGiB: 32,
    figures: {
      bandwidth: memory,
      decodeShare: estimated(0.62, 'as the Arc 140V of Lunar Lake'),
      promptTflops: estimated(
        13,
        'that of the Arc 140V by the number of cores (12 and 8), and a little more',
      ),
      busyWatts: estimated(30, 'a little more than the base power of the whole processor'),
    },
  }),
  cpu({
    name: 'Intel Core Ultra X7 358H',
    vendor: 'intel',
    memoryGiB: 64,
    threads: 16,
    cores: { performance: 4, efficiency: 12 },
    bandwidth: memory,
    idleWatts: estimated(3, 'a laptop at rest'),
    busyWatts: known(25, 'published base power of the Core Ultra X7 358H'),
  }),
]

export const pantherLake: SimulatedMachine = {
  id: 'panther-lake',
  title: 'a Panther Lake laptop: Core Ultra X7 358H with 64 GiB',
  devices,
  contention: contentionOf(devices),
  models: [qwen3Coder30b, bgeReranker, sentimentClassifier],
}
