/** Processors: they run everything, and their threads are shared with the user's own programs. */
import type { Device } from '../../../domain/index.ts'
import { estimated, type Figure } from '../figure.ts'
import type { SimulatedDevice } from '../machine.ts'

const GIB = 1024 ** 3

/** Effective TFLOPS of int8 encoders per core, before clocks fall and memory binds. */
const TFLOPS_PER_CORE = 0.35
/** Of llama.cpp reading a prompt with 4-bit weights. */
const PROMPT_TFLOPS_PER_CORE = 0.06

interface CpuSpec {
  readonly name: string
  readonly vendor: 'intel' | 'amd'
  readonly memoryGiB: number
  readonly threads: number
  /** Fast cores, and economical ones where there are such. */
  readonly cores: { readonly performance: number; readonly efficiency: number }
  readonly bandwidth: Figure
  readonly busyWatts: Figure
  readonly idleWatts?: Figure
}

export function cpu({ name, vendor, memoryGiB, threads, cores, ...figures }: CpuSpec): SimulatedDevice {
  const { performance, efficiency } = cores
  const counted = performance + efficiency / 2 // an economical core does about half
  const device: Device = {
    id: 'cpu',
    kind: 'cpu',
    name: `${name} (simulated)`,
    memoryBytes: memoryGiB * GIB,
    engines: { onnxruntime: 'cpu', 'llama.cpp': 'cpu', openvino: 'CPU' },
    simulated: true,
    vendor,
    cores: threads,
    ...(efficiency > 0 ? { performanceCores: performance, efficiencyCores: efficiency } : {}),
  }
  return {
    device,
    figures: {
      decodeShare: estimated(0.6, 'what llama.cpp reaches on desktops with enough threads'),
      promptTflops: estimated(
        PROMPT_TFLOPS_PER_CORE * counted,
        'per core what llama.cpp reaches with 4-bit weights and AVX2, an economical core counted half',
      ),
      encoderTflops: estimated(
        TFLOPS_PER_CORE * counted,
        'per core half of what was measured for this project on an EPYC with AVX-512 VNNI (OpenVINO int8, 2 cores, batch 8: 427 texts/s of 128 tokens), an economical core counted half',
      ),
      callMs: estimated(1, 'the difference of batch 1 and 8 in the same measurement: 300 and 427 texts/s'),
      tokenMs: estimated(0.3, 'threads that meet after each layer'),
      loadRate: estimated(3, 'a file in the cache of the system'),
      loadMs: estimated(150, 'start of the library'),
      idleWatts: estimated(10, 'differs by board'),
      ...figures,
    },
    failureModes: [],
  }
}
