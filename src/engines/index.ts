import type { EngineDescriptor } from '../domain/index.ts'
import { llamaCpp } from './llama.cpp/descriptor.ts'
import { onnxruntime } from './onnxruntime/descriptor.ts'

export { runProbeProcess } from './probe-process.ts'

/** Every engine, as plain data; where several could serve a task, the first is preferred. */
export const ENGINES: readonly EngineDescriptor[] = [onnxruntime, llamaCpp]
