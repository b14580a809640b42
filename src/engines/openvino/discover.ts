import { join } from 'node:path'
import { type Config, HeteroConfig } from '../../config/index.ts'
import { definedOnly } from '../../devices/index.ts'
import { type EngineDevice, TandemError, type Task } from '../../domain/index.ts'
import type { DiscoveredEngine, DiscoveryInput } from '../discovery.ts'
import { readDeviceProperties } from './device-properties.ts'
import { type HeteroPlacement, heteroPlacement } from './hetero.ts'
import { type LoadedOpenVino, loadingEnvironment } from './installation/index.ts'
import { findAndLoad } from './loaded.ts'

const ENCODER_TASKS: readonly Task[] = ['embed', 'rerank', 'classify']

/** Who did not ask for it does not wait for a driver that hangs; loading it from a slow disk, or on a busy machine, takes several seconds. */
const UNASKED_LIMIT_MS = 30_000

/** Finds OpenVINO and asks a process of its own which devices it sees; nothing is loaded here. */
export async function discoverOpenVino(input: DiscoveryInput): Promise<DiscoveredEngine> {
  const { config, home, env, asked: wanted } = input
  const isAsked = wanted.includes('openvino') || config.openvino.hetero !== undefined
  const isNamed = isAsked || config.openvino.folder !== undefined
  const usable = await findAndLoad(input, isAsked, isNamed ? undefined : UNASKED_LIMIT_MS)
  if ('problem' in usable) return unusable(config, usable.problem)
  const { installation, loaded } = usable
  const devices = loaded.devices.flatMap(toDevice)
  const asked = askedByHetero(
    config,
    devices.map((device) => device.name),
  )
  return {
    engine: 'openvino',
    version: loaded.version,
    devices,
    settings: settingsOf(config, installation.library, home, asked?.properties),
    env: loadingEnvironment(installation, env),
    ...(asked ? { asks: { tasks: ENCODER_TASKS, device: asked.device, by: 'openvino.hetero' } } : {}),
    warnings: (asked?.absent ?? []).map(
      (device) =>
        `openvino.hetero: there is no device ${device} here, it is left out; OpenVINO has ${names(devices)}`,
    ),
  }
}

/** @throws TandemError CONFIG_INVALID when none of its devices is here */
function askedByHetero(config: Config, known: readonly string[]): HeteroPlacement | undefined {
  if (config.openvino.hetero === undefined) return undefined
  const hetero = HeteroConfig.parse(config.openvino.hetero)
  const placed = heteroPlacement(hetero, known)
  if (placed) return placed
  const what = `none of its devices (${hetero.device_priorities.join(', ')}) is here; OpenVINO has ${known.join(', ')}`
  throw new TandemError('CONFIG_INVALID', { where: 'openvino.hetero', what })
}

function names(devices: readonly EngineDevice[]): string {
  return devices.map((device) => device.name).join(', ')
}

/** @throws TandemError OPENVINO_MISSING when the configuration cannot be followed without it */
function unusable({ openvino }: Config, problem: string): DiscoveredEngine {
  if (openvino.hetero !== undefined || openvino.folder !== undefined)
    throw new TandemError('OPENVINO_MISSING', { why: problem })
  return { engine: 'openvino', devices: [], settings: {}, env: {}, problem, warnings: [] }
}

/** A device as the planner sees it; none for what Tandem has no word for. */
export function toDevice({ name, properties }: LoadedOpenVino['devices'][number]): EngineDevice[] {
  const { kind, fullName, driverVersion, memoryBytes, pciAddress, luid, architecture } = readDeviceProperties(
    name,
    properties,
  )
  if (kind === 'other') return []
  const told = { memoryBytes, pciAddress, luid, architecture, driver: driverVersion }
  return [
    {
      engine: 'openvino',
      name,
      kind,
      title: fullName ?? name,
      ...(kind === 'cpu' ? {} : { vendor: 'intel' }), // its plugins know no other
      ...definedOnly(told),
    },
  ]
}

function settingsOf(
  { openvino }: Config,
  library: string,
  home: string,
  asked: Readonly<Record<string, string>> = {},
): Record<string, unknown> {
  const { shapes, buckets, batch, requests, precision, profiling } = openvino
  return {
    library,
    cacheFolder: join(home, 'cache', 'openvino'),
    shapes,
    buckets,
    ...(batch === undefined ? {} : { batch }),
    ...(requests === undefined ? {} : { requests }),
    properties: {
      ...(precision === 'auto' ? {} : { INFERENCE_PRECISION_HINT: precision }),
      ...(profiling ? { PERF_COUNT: 'YES' } : {}),
      ...asked,
    },
  }
}
