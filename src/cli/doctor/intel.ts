import { type IntelFacts, titleOf } from '../../devices/index.ts'
import type { LoadedOpenVino } from '../../engines/openvino/installation/index.ts'
import { type Check, ok, warn } from './check.ts'
import { linuxFindings, type RuleFinding, windowsFindings } from './intel-rules.ts'

/** What a device is called in OpenVINO: GPU, GPU.0, GPU.1; NPU. */
const OPENVINO_NAMES = { gpu: /^GPU(\.\d+)?$/, npu: /^NPU(\.\d+)?$/ } as const

/**
 * One line for each Intel GPU and NPU, and one for each thing that it lacks.
 * @param loaded what OpenVINO sees; absent when it was not loaded
 */
export function intelChecks(facts: IntelFacts, loaded?: LoadedOpenVino): Check[] {
  if (facts.platform === 'unknown') return [ok('intel', 'Intel GPU and NPU', `not looked for: ${facts.why}`)]
  if (facts.accelerators.length === 0) return [ok('intel', 'Intel GPU and NPU', 'none in this machine')]
  return facts.accelerators.flatMap((device, at) => {
    const id = `intel:${device.kind}${facts.accelerators.slice(0, at).filter(({ kind }) => kind === device.kind).length}`
    const title = `Intel ${device.kind.toUpperCase()}`
    const findings =
      'address' in device && facts.platform === 'linux'
        ? linuxFindings(device, facts)
        : 'problem' in device
          ? windowsFindings(device)
          : []
    const what = `${titleOf(device.kind, device.id)}${detailsOf(facts, at)}`
    if (findings.length > 0) return findings.map((finding) => findingCheck(id, title, what, finding))
    const seen = loaded?.devices.some(({ name }) => OPENVINO_NAMES[device.kind].test(name))
    if (seen === false)
      return [
        warn(
          `${id}:unseen`,
          title,
          `${what}: its drivers are here, and OpenVINO does not list it`,
          'restart after installing drivers; a newer driver or OpenVINO may be needed (`tandem setup openvino --install`)',
        ),
      ]
    return [ok(id, title, `${what}: its drivers are here`)]
  })
}

function findingCheck(
  id: string,
  title: string,
  what: string,
  { id: rule, found, advice }: RuleFinding,
): Check {
  return warn(`${id}:${rule}`, title, `${what}: ${found}`, advice)
}

/** Driver and versions, as far as the system tells. */
function detailsOf(facts: IntelFacts, at: number): string {
  if (facts.platform === 'win32') {
    const version = facts.accelerators[at]?.driverVersion
    return version ? ` with driver ${version}` : ''
  }
  if (facts.platform !== 'linux') return ''
  const device = facts.accelerators[at]
  if (device?.driver === undefined) return ` at ${device?.address}`
  const { npuFirmware, npuFirmwareVersion, kernel } = facts
  const firmware =
    device.kind === 'npu' && npuFirmware.length > 0
      ? `, firmware ${npuFirmwareVersion ?? npuFirmware.join(' ')}`
      : ''
  return ` at ${device.address} with ${device.driver} of kernel ${kernel}${firmware}`
}
