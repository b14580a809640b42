import { TandemError } from '../../domain/index.ts'
import type { EngineInspection, InspectionInput } from '../discovery.ts'
import { toDevice } from './discover.ts'
import { findOpenVino, probeOpenVino, whyNone } from './installation/index.ts'

/**
 * Everything that OpenVINO tells about its devices, loaded in a process of its own.
 * @throws TandemError OPENVINO_MISSING
 */
export async function inspectOpenVino({
  config,
  home,
  env,
  signal,
}: InspectionInput): Promise<EngineInspection> {
  const { folder: configured } = config.openvino
  const { installation, candidates } = await findOpenVino({
    home,
    env,
    signal,
    ...(configured === undefined ? {} : { configured }),
  })
  if (!installation) throw new TandemError('OPENVINO_MISSING', { why: whyNone(candidates) })
  const probe = await probeOpenVino(installation, env, signal)
  if (probe.state === 'failed')
    throw new TandemError('OPENVINO_MISSING', { why: `${installation.library} does not load: ${probe.why}` })
  const { version, devices, problems } = probe.loaded
  return {
    version,
    library: installation.library,
    devices: devices.map((device) => ({ ...toDevice(device), properties: device.properties })),
    problems,
  }
}
