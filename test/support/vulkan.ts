/** Vulkan for tests: the global setup looks whether it has a device, or says why it has none. */
import { describe } from 'vitest'

/** Name of a device; undefined where the suite cannot run (never in CI: there the run fails). */
const device: string | undefined = process.env['TANDEM_TEST_VULKAN'] || undefined

/** Like `describe`; without a Vulkan device its tests count as skipped and the name says why. */
export function describeVulkan(name: string, fn: () => void): void {
  if (device !== undefined) describe(name, fn)
  else describe.skip(`${name} (without Vulkan: ${process.env['TANDEM_TEST_VULKAN_MISSING']})`, fn)
}

/** What a worker on the first Vulkan device needs: without the variable llama.cpp leaves out renderers in software. */
export const VULKAN = { device: 'Vulkan0', env: { GGML_VK_VISIBLE_DEVICES: '0' } } as const
