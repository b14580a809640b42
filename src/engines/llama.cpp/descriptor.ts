import type { EngineDescriptor } from '../../domain/index.ts'

/** llama.cpp inside a child process, through node-llama-cpp's prebuilt binaries. */
export const llamaCpp = {
  id: 'llama.cpp',
  title: 'llama.cpp',
  tasks: ['chat'],
  devices: ['dgpu', 'igpu', 'cpu'],
  formats: ['gguf'],
  needs: '',
  // its experts cannot be kept apart through node-llama-cpp
  trades: ['kvType', 'gpuLayers'],
  footprint: { processBytes: 132 * 1024 ** 2, batchTokens: { cpu: 96, gpu: 512 } },
} as const satisfies EngineDescriptor
