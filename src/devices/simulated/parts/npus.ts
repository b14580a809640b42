/** Intel's neural processors: encoders by OpenVINO, static shapes, memory of the system. */
import type { Device } from '../../../domain/index.ts'
import { estimated, type Figure, known } from '../figure.ts'
import type { SimulatedDevice } from '../machine.ts'

const BUCKETS = [128, 256, 512] as const

interface NpuSpec {
  readonly architecture: string
  readonly encoderTflops: Figure
  readonly bandwidth: Figure
  readonly memoryBytes: number
  readonly busyWatts: Figure
}

export function intelNpu({ architecture, memoryBytes, ...figures }: NpuSpec): SimulatedDevice {
  const device: Device = {
    id: 'npu0',
    kind: 'npu',
    name: `Intel AI Boost NPU ${architecture} (simulated)`,
    memoryBytes,
    sharedMemory: true,
    engines: { openvino: 'NPU' },
    simulated: true,
    vendor: 'intel',
    pciAddress: '0000:00:0b.0',
    driver: 'intel_vpu (simulated)',
    architecture,
  }
  return {
    device,
    buckets: BUCKETS,
    figures: {
      ...figures,
      decodeShare: estimated(0.3, 'people report that chat models decode slower on an NPU than on its CPU'),
      promptTflops: figures.encoderTflops,
      callMs: estimated(1, 'a request to the driver and back; nobody published it'),
      tokenMs: estimated(5, 'a request to the driver for each token; nobody published it'),
      loadRate: estimated(0.5, 'from a cached compilation; nobody published it'),
      loadMs: estimated(
        800,
        'opening the driver and a cached compilation; the first compilation takes many seconds',
      ),
      idleWatts: estimated(0.1, 'the driver suspends it'),
    },
    failureModes: [
      {
        fault: 'memory',
        title: 'more than 255 compiled models in one process fail',
        source: 'reported by OpenVINO issues',
      },
      {
        fault: 'lost:100',
        title: 'the driver resets and every request fails until the process is replaced',
        source: 'behaviour of the intel_vpu driver after a recovery',
      },
    ],
  }
}

/** 13 TOPS, in Meteor Lake and Arrow Lake. */
export const npu3720Tflops = known(
  0.92,
  'reported by an OpenVINO issue: e5-small [1,512] about 30 ms on NPU 3720, which is 27 GFLOP in 29 ms',
)
/** 48 TOPS, in Lunar Lake. */
export const npu4000Tflops = estimated(
  2.5,
  'that of NPU 3720 times 2.7: its published TOPS are 3.7 times as many (48 and 13), memory and driver keep some',
)
/** 50 TOPS, in Panther Lake. */
export const npu5010Tflops = estimated(
  2.6,
  'that of NPU 4000: its published TOPS (50) are hardly more than those (48)',
)
export const npuWatts = estimated(5, 'a few watts by its place in the package; nobody published it')
