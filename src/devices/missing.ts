/** What a device that no engine can use lacks, as sentences with what to do. Pure. */
import type { EngineId } from '../domain/index.ts'
import type { SystemDevice } from './system.ts'

/** Why an engine cannot be used; an engine that can is absent. */
export type EngineProblems = Readonly<Partial<Record<EngineId, string>>>

/** For hardware that only the system sees. */
export function missingFor({ family, vendor, driver }: SystemDevice, problems: EngineProblems): string[] {
  if (driver === undefined)
    return [
      vendor === 'intel'
        ? 'it has no driver: `tandem doctor` says which one it needs'
        : `it has no driver: install the one of ${vendor}`,
    ]
  const ways = [
    ...(family === 'gpu' ? [vulkanLacks(vendor, problems)] : []),
    ...(vendor === 'intel' ? [openVinoLacks(problems)] : []),
  ]
  return ways.length > 0 ? ways : ['no engine of Tandem runs on NPUs of its maker']
}

function vulkanLacks(vendor: string, { 'llama.cpp': why }: EngineProblems): string {
  const lack = why ?? `Vulkan does not list it; install the Vulkan driver of ${vendor}`
  return `llama.cpp cannot use it: ${lack}`
}

function openVinoLacks({ openvino: why }: EngineProblems): string {
  return why === undefined
    ? 'OpenVINO does not list it: `tandem doctor` says what is missing'
    : `OpenVINO cannot use it: ${why}; \`tandem setup openvino\` finds or installs it`
}
