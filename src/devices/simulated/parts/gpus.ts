/** Graphics processors, discrete and integrated. */
import type { Device } from '../../../domain/index.ts'
import { estimated, known } from '../figure.ts'
import type { DeviceFigures, FailureMode, SimulatedDevice } from '../machine.ts'

const GIB = 1024 ** 3

const LOST: FailureMode = {
  fault: 'lost:100',
  title: 'the driver resets (device lost) and every request fails until the process is replaced',
  source: 'VK_ERROR_DEVICE_LOST in issues of llama.cpp',
}
const MEMORY: FailureMode = {
  fault: 'memory',
  title: 'another program has taken its memory',
  source: 'out of memory at load in issues of llama.cpp',
}

type Spec = Pick<Device, 'id' | 'kind' | 'name' | 'engines' | 'vendor' | 'pciAddress' | 'driver'> & {
  readonly memoryGiB: number
  readonly figures: Pick<DeviceFigures, 'bandwidth' | 'decodeShare' | 'promptTflops' | 'busyWatts'> &
    Partial<DeviceFigures>
}

/** @param spec for an integrated GPU `memoryGiB` is what it may take of the system's memory */
export function gpu({ memoryGiB, figures, name, ...spec }: Spec): SimulatedDevice {
  const discrete = spec.kind === 'dgpu'
  return {
    device: {
      ...spec,
      name: `${name} (simulated)`,
      memoryBytes: memoryGiB * GIB,
      ...(discrete ? {} : { sharedMemory: true }),
      simulated: true,
    },
    figures: {
      encoderTflops: estimated(
        figures.promptTflops.value / 2,
        'half of what reading prompts reaches: the matrices of small encoders fill a GPU badly',
      ),
      callMs: estimated(discrete ? 1.5 : 1, 'submission and copies; nobody published it'),
      tokenMs: estimated(1, 'submission of some hundred kernels; nobody published it'),
      loadRate: estimated(
        discrete ? 2 : 3,
        'a file in the cache of the system, copied over PCIe or not at all',
      ),
      loadMs: estimated(
        1000,
        'shaders from their cache; the first load compiles them, 17 s were seen with 14B',
      ),
      idleWatts: estimated(discrete ? 12 : 1, 'differs by system and monitors'),
      ...figures,
    },
    failureModes: discrete ? [LOST, MEMORY] : [LOST],
  }
}

interface Place {
  readonly id: string
  readonly pciAddress: string
  /** Names by which the engines know it. */
  readonly engines: Device['engines']
}

type ArcSpec = { readonly name: string; readonly memoryGiB: number } & Pick<
  DeviceFigures,
  'decodeShare' | 'busyWatts'
>

const arc = (place: Place, { name, memoryGiB, ...figures }: ArcSpec): SimulatedDevice =>
  gpu({
    ...place,
    kind: 'dgpu',
    name,
    vendor: 'intel',
    driver: 'xe (simulated)',
    memoryGiB,
    figures: {
      bandwidth: known(456, `published memory bandwidth of the ${name}`),
      promptTflops: estimated(
        18,
        'half of the 2,336 tokens/s that ipex-llm issue 12991 shows for a 7B model on an Arc B580 with SYCL: Vulkan reads prompts about half as fast',
      ),
      ...figures,
    },
  })

export const arcB580 = (place: Place): SimulatedDevice =>
  arc(place, {
    name: 'Intel Arc B580',
    memoryGiB: 12,
    decodeShare: known(
      0.6,
      'people report 25 to 35 tokens/s with 14B models in Q4 on an Arc B580, of at most 51 by its bandwidth',
    ),
    busyWatts: known(190, 'published board power of the Arc B580'),
  })

export const arcProB60 = (place: Place): SimulatedDevice =>
  arc(place, {
    name: 'Intel Arc Pro B60',
    memoryGiB: 24,
    decodeShare: estimated(0.6, 'as the Arc B580: the same chip and bandwidth'),
    busyWatts: known(200, 'published upper board power of the Arc Pro B60 (120 to 200 W)'),
  })

export const radeon7900Xtx = (place: Place): SimulatedDevice =>
  gpu({
    ...place,
    kind: 'dgpu',
    name: 'AMD Radeon RX 7900 XTX',
    vendor: 'amd',
    driver: 'amdgpu (simulated)',
    memoryGiB: 24,
    figures: {
      bandwidth: known(960, 'published memory bandwidth of the Radeon RX 7900 XTX'),
      decodeShare: estimated(
        0.54,
        'llama.cpp pull request 26284 shows 106 tokens/s with an 8B model in Q4_K_M (4.9 GB) by HIP; Vulkan may differ',
      ),
      promptTflops: estimated(
        51,
        'llama.cpp pull request 26284 shows 3,189 tokens/s of a prompt with an 8B model by HIP; Vulkan may differ',
      ),
      busyWatts: known(355, 'published board power of the Radeon RX 7900 XTX'),
    },
  })

export const rtx4070 = (place: Place): SimulatedDevice =>
  gpu({
    ...place,
    kind: 'dgpu',
    name: 'NVIDIA GeForce RTX 4070',
    vendor: 'nvidia',
    driver: 'nvidia (simulated)',
    memoryGiB: 12,
    figures: {
      bandwidth: known(504, 'published memory bandwidth of the GeForce RTX 4070'),
      decodeShare: estimated(0.65, 'between what is reported of other cards with Vulkan'),
      promptTflops: estimated(
        42,
        'that of an RTX 3070 by llama.cpp pull request 12833 (2,607 tokens/s with an 8B model by Vulkan), at the least',
      ),
      busyWatts: known(200, 'published graphics power of the GeForce RTX 4070'),
    },
  })
