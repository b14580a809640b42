/** Mesa's software Vulkan device for tests: the whole way of a discrete GPU, without one. */
import { existsSync } from 'node:fs'
import { describe } from 'vitest'

const ICDS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'].flatMap((folder) =>
  ['lvp_icd.x86_64.json', 'lvp_icd.aarch64.json', 'lvp_icd.json'].map((name) => `${folder}/${name}`),
)

/** Why the tests cannot run here; undefined where they can. */
const vulkanMissing: string | undefined = ICDS.some((path) => existsSync(path))
  ? undefined
  : 'no Vulkan driver in software; install mesa-vulkan-drivers and libvulkan1'

/** Like `describe`; without the driver its tests count as skipped and the name says why, in CI the run fails. */
export function describeVulkan(name: string, fn: () => void): void {
  if (vulkanMissing === undefined) return void describe(name, fn)
  if (process.env['CI'] === 'true') throw new Error(`the Vulkan suite cannot run: ${vulkanMissing}`)
  describe.skip(`${name} (${vulkanMissing})`, fn)
}
