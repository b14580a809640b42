import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROBE = fileURLToPath(new URL('../dist/engines/llama.cpp/probe.js', import.meta.url))
const LIMIT_MS = 240_000

/**
 * Asks the built probe for Vulkan's devices; Mesa's renderer in software is enough.
 * @returns the name of the first
 * @throws Error when there is none
 */
export function vulkanForTests(): string {
  const printed = execFileSync(process.execPath, [PROBE], { encoding: 'utf8', timeout: LIMIT_MS })
  const { loader, devices } = JSON.parse(printed) as { loader: boolean; devices: { name: string }[] }
  if (!loader) throw new Error("Vulkan's loader is not installed (Debian and Ubuntu: libvulkan1)")
  const [first] = devices
  if (!first)
    throw new Error('Vulkan has no device (Debian and Ubuntu: mesa-vulkan-drivers has one in software)')
  return first.name
}
