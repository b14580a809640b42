import type { EngineDescriptor } from '../../domain/index.ts'

/** Encoders on NPU, GPU and CPU, and on the virtual devices HETERO, AUTO and BATCH. */
export const openvino = {
  id: 'openvino',
  title: 'OpenVINO',
  tasks: ['embed', 'rerank', 'classify'],
  devices: ['npu', 'igpu', 'dgpu', 'cpu'],
  virtualDevices: [
    { prefix: 'HETERO', chooses: false },
    { prefix: 'AUTO', chooses: true },
    { prefix: 'BATCH', chooses: false },
  ],
  formats: ['openvino-ir', 'onnx'],
  needs: "OpenVINO's libraries (`tandem setup openvino`)",
  // the file and what was compiled from it
  footprint: { processBytes: 170 * 1024 ** 2, weightCopies: 2, activationCopies: 4.4 },
} as const satisfies EngineDescriptor
