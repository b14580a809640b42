import { availableParallelism, cpus, totalmem } from 'node:os'
import type { Device } from '../domain/index.ts'

/** The processor itself, from `os`: every machine has it and needs no driver. */
export function discoverCpu(): Device {
  const processors = cpus()
  return {
    id: 'cpu',
    kind: 'cpu',
    name: processors[0]?.model.trim().replace(/\s+/g, ' ') || 'CPU',
    memoryBytes: totalmem(),
    engines: { onnxruntime: 'cpu', 'llama.cpp': 'cpu' },
    simulated: false,
    cores: availableParallelism(),
  }
}
