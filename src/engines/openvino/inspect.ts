import { TandemError } from '../../domain/index.ts'
import type { EngineInspection, InspectionInput } from '../discovery.ts'
import { readDeviceProperties } from './device-properties.ts'
import { toDevice } from './discover.ts'
import { findAndLoad } from './loaded.ts'

/** Kinds of devices that have a plugin of their own. */
const KINDS = ['CPU', 'GPU', 'NPU']

function isOf(kind: string): (device: { readonly name: string }) => boolean {
  return ({ name }) => name === kind || name.startsWith(`${kind}.`)
}

/**
 * Everything that OpenVINO tells about its devices, loaded in a process of its own.
 * @throws TandemError OPENVINO_MISSING
 */
export async function inspectOpenVino(input: InspectionInput): Promise<EngineInspection> {
  const usable = await findAndLoad(input, true)
  if ('problem' in usable) throw new TandemError('OPENVINO_MISSING', { why: usable.problem })
  const { version, devices, plugins, problems } = usable.loaded
  const without = KINDS.filter((kind) => plugins.includes(kind) && !devices.some(isOf(kind)))
  return {
    version,
    library: usable.installation.library,
    devices: devices.flatMap((device) =>
      toDevice(device).map((known) => {
        const { name, properties } = device
        return { ...known, details: readDeviceProperties(name, properties), properties }
      }),
    ),
    problems: [
      ...problems,
      ...without.map((kind) => `${kind}: its plugin finds no device or no driver; see \`tandem doctor\``),
    ],
  }
}
