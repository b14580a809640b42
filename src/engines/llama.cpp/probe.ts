/**
 * A process of its own that asks Vulkan for its devices, for a driver may crash it or never answer:
 * `node probe.js` prints a `VulkanReport`. Exit code 0.
 */
import { readVulkan } from './vulkan.ts'

process.stdout.write(`${JSON.stringify(readVulkan())}\n`, () => process.exit(0))
