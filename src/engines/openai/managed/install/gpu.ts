import { discoverLlamaCpp } from '../../../llama.cpp/discover.ts'

/** Whether llama.cpp finds a GPU here that a build for Vulkan would use. @throws the signal's reason */
export async function findsGpu(signal: AbortSignal): Promise<boolean> {
  const { devices } = await discoverLlamaCpp({ signal })
  return devices.some(({ kind, software = false }) => kind !== 'cpu' && !software)
}
