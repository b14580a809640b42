/** A Vulkan device for llama.cpp: a GPU, or Mesa's driver in software. */
import { existsSync, readdirSync } from 'node:fs'
import { describe } from 'vitest'

const DRIVER_FOLDERS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d']
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib']

/** What a worker on the first Vulkan device needs: without the variable llama.cpp leaves out renderers in software. */
export const VULKAN = { device: 'Vulkan0', env: { GGML_VK_VISIBLE_DEVICES: '0' } } as const

/** Why there is none; undefined where one is installed. */
function whyNone(): string | undefined {
  if (process.platform !== 'linux') return `not looked for on ${process.platform}`
  if (!LIBRARY_FOLDERS.some((folder) => existsSync(`${folder}/libvulkan.so.1`)))
    return 'libvulkan.so.1 is not installed (Debian: libvulkan1)'
  const drivers = DRIVER_FOLDERS.filter(existsSync).flatMap((folder) => readdirSync(folder))
  return drivers.length > 0 ? undefined : 'no Vulkan driver is installed (Debian: mesa-vulkan-drivers)'
}

/** Like `describe`; without Vulkan its tests count as skipped and the name says why. In CI they run and fail. */
export function describeVulkan(name: string, fn: () => void): void {
  const why = whyNone()
  if (why === undefined || process.env['CI'] === 'true') describe(name, fn)
  else describe.skip(`${name} (without Vulkan: ${why})`, fn)
}
