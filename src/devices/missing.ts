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
  if (vendor === 'intel') return [intelLacks(problems)]
  if (family === 'npu') return ['no engine of Tandem runs on NPUs of its maker']
  const { 'llama.cpp': broken } = problems
  return [
    broken === undefined
      ? `no engine can use it, for Vulkan does not list it: install the Vulkan driver of ${vendor}`
      : `no engine can use it: ${broken}`,
  ]
}

function intelLacks({ openvino }: EngineProblems): string {
  return openvino === undefined
    ? 'OpenVINO does not list it: `tandem doctor` says what is missing'
    : `no engine can use it: install OpenVINO with \`tandem setup openvino\` (OpenVINO: ${openvino})`
}
