/** Vulkan for tests: the global setup looks whether it has a device, or says why it has none. */
import { describeWith } from './needs.ts'

export const describeVulkan = describeWith('VULKAN', 'Vulkan')

/** What a worker on the first Vulkan device needs: without the variable llama.cpp leaves out renderers in software. */
export const VULKAN = { device: 'Vulkan0', env: { GGML_VK_VISIBLE_DEVICES: '0' } } as const
