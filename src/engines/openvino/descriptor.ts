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
} as const satisfies EngineDescriptor
