import type { EngineDescriptor, EngineId } from '../domain/index.ts'
import type { DiscoveredEngine, DiscoveryInput, EngineInspection, InspectionInput } from './discovery.ts'
import { llamaCpp } from './llama.cpp/descriptor.ts'
import { discoverLlamaCpp } from './llama.cpp/discover.ts'
import { onnxruntime } from './onnxruntime/descriptor.ts'
import { discoverOnnxRuntime } from './onnxruntime/discover.ts'
import { openai } from './openai/descriptor.ts'
import { llamaServer } from './openai/managed/descriptor.ts'
import { discoverLlamaServer } from './openai/managed/discover.ts'
import { openvino } from './openvino/descriptor.ts'
import { discoverOpenVino } from './openvino/discover.ts'
import { inspectOpenVino } from './openvino/inspect.ts'

export type { DiscoveredEngine, EngineInspection } from './discovery.ts'
export { freeOnGpus } from './llama.cpp/discover.ts'
export { askDimensions } from './openai/ask-dimensions.ts'
export { discoverServers, type FoundServer, type FoundServers, measureWay } from './openai/discover.ts'
export { portOf } from './openai/http/port-of.ts'
export { configuredOvms } from './openai/managed/ovms/discover.ts'
export { projectorOf } from './openai/managed/projector.ts'
export { serverSettings } from './openai/settings.ts'
export { runProbeProcess } from './probe-process.ts'

/** Every engine, as plain data; where several could serve a task, the first is preferred. */
export const ENGINES: readonly EngineDescriptor[] = [onnxruntime, llamaCpp, openvino, openai, llamaServer]

/**
 * What every engine has on this machine, asked for all at once. A probe that crashes or is slow is a `problem`.
 * @throws TandemError OPENVINO_MISSING, CONFIG_INVALID: the configuration cannot be followed; the signal's reason
 */
export function discoverEngines(input: DiscoveryInput): Promise<DiscoveredEngine[]> {
  const embedded = discoverLlamaCpp(input)
  return Promise.all([
    discoverOnnxRuntime(),
    embedded,
    embedded.then(({ devices }) => discoverLlamaServer(input, devices)),
    discoverOpenVino(input),
  ])
}

/** Which llama-server Tandem would start; a part of `discoverEngines`. @throws the signal's reason */
export async function inspectLlamaServer(
  input: Pick<DiscoveryInput, 'config' | 'home' | 'env' | 'signal'>,
): Promise<DiscoveredEngine> {
  const { devices } = await discoverLlamaCpp(input)
  return discoverLlamaServer(input, devices)
}

/** Engines that tell about their devices. */
export const INSPECTIONS: Readonly<
  Partial<Record<EngineId, (input: InspectionInput) => Promise<EngineInspection>>>
> = { openvino: inspectOpenVino }
