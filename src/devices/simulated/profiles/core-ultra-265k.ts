import { estimated, known } from '../figure.ts'
import type { SimulatedMachine } from '../machine.ts'
import { qwenCoder7b } from '../models/chat.ts'
import { bgeReranker, sentimentClassifier } from '../models/encoders.ts'
import { cpu } from '../parts/cpus.ts'
import { gpu } from '../parts/gpus.ts'
import { intelNpu, npu3720Tflops, npuWatts } from '../parts/npus.ts'
import { contentionOf } from '../parts/shared-memory.ts'

const memory = known(102.4, 'published memory bandwidth of two channels of DDR5-6400')

export const arrowLakeNpu = intelNpu({
  architecture: '3720',
  memoryBytes: 16 * 1024 ** 3,
  bandwidth: memory,
  encoderTflops: npu3720Tflops,
  busyWatts: npuWatts,
})

/** @param vulkan its name by Vulkan: beside a discrete GPU another one than alone */
export const arrowLakeGpu = (id: string, vulkan: string) =>
  gpu({
    id,
    kind: 'igpu',
    name: 'Intel Arc Graphics, 4 Xe cores (Xe-LPG)',
    engines: { openvino: 'GPU.0', 'llama.cpp': vulkan },
    vendor: 'intel',
    pciAddress: '0000:00:02.0',
    driver: 'xe (simulated)',
    memoryGiB: 32,
    figures: {
      bandwidth: memory,
      decodeShare: estimated(0.55, 'a little less than the CPU: it has no large cache'),
      promptTflops: estimated(1.5, 'a third of its published peak of about 4 TFLOPS in 16 bits'),
      busyWatts: estimated(20, 'its part of the package; nobody published it'),
    },
  })

export const core265k = cpu({
  name: 'Intel Core Ultra 7 265K',
  vendor: 'intel',
  memoryGiB: 64,
  threads: 20,
  cores: { performance: 8, efficiency: 12 },
  bandwidth: memory,
  busyWatts: known(125, 'published base power of the Core Ultra 7 265K'),
})

const devices = [arrowLakeNpu, arrowLakeGpu('gpu0', 'Vulkan0'), core265k]

export const coreUltra265k: SimulatedMachine = {
  id: 'core-ultra-265k',
  title: 'Core Ultra 7 265K with 64 GiB and no discrete GPU',
  devices,
  contention: contentionOf(devices),
  models: [qwenCoder7b, bgeReranker, sentimentClassifier],
}
