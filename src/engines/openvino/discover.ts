import { join } from 'node:path'
import { type Config, HeteroConfig } from '../../config/index.ts'
import { type EngineDevice, TandemError, type Task } from '../../domain/index.ts'
import type { DiscoveredEngine, DiscoveryInput } from '../discovery.ts'
import { readDeviceProperties } from './device-properties.ts'
import { type HeteroPlacement, heteroPlacement } from './hetero.ts'
import { type LoadedOpenVino, loadingEnvironment } from './installation/index.ts'
import { findAndLoad } from './loaded.ts'

const ENCODER_TASKS: readonly Task[] = ['embed', 'rerank', 'classify']

/** Finds OpenVINO and asks a process of its own which devices it sees; nothing is loaded here. */
export async function discoverOpenVino(input: DiscoveryInput): Promise<DiscoveredEngine> {
  const { config, home, env, asked: wanted } = input
  const usable = await findAndLoad(input, wanted.includes('openvino') || config.openvino.hetero !== undefined)
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
  const { kind, fullName, memoryBytes } = readDeviceProperties(name, properties)
  if (kind === 'other') return []
  const memory = memoryBytes === undefined ? {} : { memoryBytes }
  return [{ engine: 'openvino', name, kind, title: fullName ?? name, ...memory }]
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
