import { estimated, known } from '../figure.ts'
import type { SimulatedDevice, SimulatedMachine } from '../machine.ts'
import { qwenCoder32b } from '../models/chat.ts'
import { bgeReranker, sentimentClassifier } from '../models/encoders.ts'
import { cpu } from '../parts/cpus.ts'
import { gpu, radeon7900Xtx } from '../parts/gpus.ts'
import { contentionOf } from '../parts/shared-memory.ts'

const memory = known(83.2, 'published memory bandwidth of two channels of DDR5-5200')

/** It is seen and does nothing. */
const xdna: SimulatedDevice = {
  device: {
    id: 'npu0',
    kind: 'npu',
    name: 'AMD XDNA NPU (simulated)',
    memoryBytes: 16 * 1024 ** 3,
    sharedMemory: true,
    engines: {},
    simulated: true,
    vendor: 'amd',
    pciAddress: '0000:c6:00.1',
    driver: 'amdxdna (simulated)',
    problems: ['no engine here can use an XDNA NPU: OpenVINO knows those of Intel only'],
  },
  failureModes: [],
}

const devices = [
  xdna,
  radeon7900Xtx({ id: 'gpu0', pciAddress: '0000:03:00.0', engines: { 'llama.cpp': 'Vulkan0' } }),
  gpu({
    id: 'gpu1',
    kind: 'igpu',
    name: 'AMD Radeon 780M',
    engines: { 'llama.cpp': 'Vulkan1' },
    vendor: 'amd',
    pciAddress: '0000:c5:00.0',
    driver: 'amdgpu (simulated)',
    memoryGiB: 16,
    figures: {
      bandwidth: memory,
      decodeShare: estimated(0.65, 'what is reported of integrated Radeons with Vulkan'),
      promptTflops: estimated(3, 'a fifth of its published peak of 16 TFLOPS in 16 bits'),
      busyWatts: estimated(30, 'its part of the package'),
    },
  }),
  cpu({
    name: 'AMD Ryzen 7 8700G',
    vendor: 'amd',
    memoryGiB: 64,
    threads: 16,
    cores: { performance: 8, efficiency: 0 },
    bandwidth: memory,
    busyWatts: known(65, 'published default power of the Ryzen 7 8700G'),
  }),
]

export const amd: SimulatedMachine = {
  id: 'amd',
  title: 'a PC of AMD parts: Ryzen 7 8700G, whose NPU no engine here can use, and a Radeon RX 7900 XTX',
  devices,
  contention: contentionOf(devices),
  models: [qwenCoder32b, bgeReranker, sentimentClassifier],
}
