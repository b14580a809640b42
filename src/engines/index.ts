import type { EngineDescriptor, EngineId } from '../domain/index.ts'
import type { DiscoveredEngine, DiscoveryInput, EngineInspection, InspectionInput } from './discovery.ts'
import { llamaCpp } from './llama.cpp/descriptor.ts'
import { onnxruntime } from './onnxruntime/descriptor.ts'
import { openvino } from './openvino/descriptor.ts'
import { discoverOpenVino } from './openvino/discover.ts'
import { inspectOpenVino } from './openvino/inspect.ts'

export type { DiscoveredEngine, EngineInspection } from './discovery.ts'
export { runProbeProcess } from './probe-process.ts'

/** Every engine, as plain data; where several could serve a task, the first is preferred. */
export const ENGINES: readonly EngineDescriptor[] = [onnxruntime, llamaCpp, openvino]

/** Looks for the engines that are installed apart from Tandem, all at once. */
export function discoverEngines(input: DiscoveryInput): Promise<DiscoveredEngine[]> {
  return Promise.all([discoverOpenVino(input)])
}

/** Engines that tell about their devices. */
export const INSPECTIONS: Readonly<
  Partial<Record<EngineId, (input: InspectionInput) => Promise<EngineInspection>>>
> = { openvino: inspectOpenVino }
