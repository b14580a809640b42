import type { EngineDescriptor } from '../../domain/index.ts'

/** llama.cpp inside a child process, through node-llama-cpp's prebuilt binaries. */
export const llamaCpp = {
  id: 'llama.cpp',
  title: 'llama.cpp',
  tasks: ['chat'],
  devices: ['dgpu', 'igpu', 'cpu'],
  formats: ['gguf'],
  needs: '',
} as const satisfies EngineDescriptor
