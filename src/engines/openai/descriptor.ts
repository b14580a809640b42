import type { EngineDescriptor } from '../../domain/index.ts'

/** Servers that somebody else runs and that speak OpenAI's API; a thread of ours asks each model of theirs. */
export const openai = {
  id: 'openai',
  title: 'another server',
  tasks: ['chat', 'embed', 'rerank'],
  devices: ['npu', 'dgpu', 'igpu', 'cpu'],
  formats: ['remote'],
  needs: 'a server that runs already: one of `servers`, or one found on this machine (adopt.discover)',
} as const satisfies EngineDescriptor
