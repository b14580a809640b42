import type { EngineDescriptor } from '../../domain/index.ts'

/** Encoders on NPU, GPU and CPU, and on the virtual devices HETERO, AUTO and BATCH. */
export const openvino = {
  id: 'openvino',
  title: 'OpenVINO',
  tasks: ['embed', 'rerank', 'classify'],
  devices: ['npu', 'igpu', 'dgpu', 'cpu'],
  virtualDevices: ['HETERO', 'AUTO', 'BATCH'],
  formats: ['openvino-ir', 'onnx'],
  needs: "OpenVINO's libraries (`tandem setup openvino`)",
} as const satisfies EngineDescriptor
