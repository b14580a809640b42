import type { EngineDescriptor } from '../../domain/index.ts'

/** Encoders on the CPU: the embedded default. */
export const onnxruntime = {
  id: 'onnxruntime',
  title: 'ONNX Runtime',
  tasks: ['embed', 'rerank', 'classify'],
  devices: ['cpu'],
  formats: ['onnx'],
  needs: '',
} as const satisfies EngineDescriptor
