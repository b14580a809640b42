import type { EngineDescriptor } from '../../../domain/index.ts'

const MIB = 1024 ** 2

/** Of each server's cache of prompts that no slot holds any more, in the system's memory. */
export const PROMPT_CACHE_MIB = 256

/** A llama-server that Tandem starts for one placement; a small process of ours asks it. */
export const llamaServer = {
  id: 'openai',
  title: 'llama-server',
  tasks: ['chat'],
  devices: ['dgpu', 'igpu', 'cpu'],
  // by llama.cpp's split mode: `LAYER:gpu1(3),gpu0(1)` is `--split-mode layer --tensor-split 3,1`
  virtualDevices: [
    { prefix: 'LAYER', chooses: false, splits: true },
    { prefix: 'ROW', chooses: false, splits: true },
    { prefix: 'TENSOR', chooses: false, splits: true },
  ],
  formats: ['gguf'],
  needs:
    'a llama-server: `tandem setup llama.cpp`, one in the PATH, or llamaServer.path (and llamaServer.enabled)',
  trades: ['kvType', 'gpuLayers', 'cpuExperts'],
  footprint: { processBytes: (160 + PROMPT_CACHE_MIB) * MIB, batchTokens: { cpu: 512, gpu: 512 } },
} as const satisfies EngineDescriptor
