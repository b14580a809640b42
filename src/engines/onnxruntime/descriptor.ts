import type { EngineDescriptor } from '../../domain/index.ts'

/** Encoders on the CPU: the embedded default. */
export const onnxruntime = {
  id: 'onnxruntime',
  title: 'ONNX Runtime',
  tasks: ['embed', 'rerank', 'classify'],
  devices: ['cpu'],
  formats: ['onnx'],
  needs: '',
  footprint: { processBytes: 116 * 1024 ** 2, weightCopies: 1.5, activationCopies: 2 },
} as const satisfies EngineDescriptor
