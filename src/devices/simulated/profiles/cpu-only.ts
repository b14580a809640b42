import { known } from '../figure.ts'
import type { SimulatedMachine } from '../machine.ts'
import { qwenCoder7b } from '../models/chat.ts'
import { bgeReranker, sentimentClassifier } from '../models/encoders.ts'
import { cpu } from '../parts/cpus.ts'

export const cpuOnly: SimulatedMachine = {
  id: 'cpu-only',
  title: 'an office PC with nothing but its CPU: Ryzen 7 5700X with 32 GiB',
  devices: [
    cpu({
      name: 'AMD Ryzen 7 5700X',
      vendor: 'amd',
      memoryGiB: 32,
      threads: 16,
      cores: { performance: 8, efficiency: 0 },
      bandwidth: known(51.2, 'published memory bandwidth of two channels of DDR4-3200'),
      busyWatts: known(65, 'published default power of the Ryzen 7 5700X'),
    }),
  ],
  contention: [],
  models: [qwenCoder7b, bgeReranker, sentimentClassifier],
}
