import { basename, dirname, join } from 'node:path'
import { splitArguments } from '../../../config/index.ts'
import type { EngineDevice } from '../../../domain/index.ts'
import type { DiscoveredEngine, DiscoveryInput } from '../../discovery.ts'
import { askServer } from './ask.ts'
import { llamaServer } from './descriptor.ts'
import { allOfVulkan, devicesOf } from './devices.ts'
import { llamaServersIn } from './find.ts'
import { backendOf } from './report.ts'
import type { ManagedSettings } from './settings.ts'
import { tellsState } from './state-lines.ts'

/** A backend wakes its GPUs before it lists them, slowly on a busy machine. */
const LIMIT_MS = 30_000

/**
 * Which llama-server may be started here, and on what it runs.
 * @param own devices as the embedded llama.cpp knows them: the same ones are told by the same words
 * @throws the signal's reason
 */
export async function discoverLlamaServer(
  { config, home, env, signal }: Pick<DiscoveryInput, 'config' | 'home' | 'env' | 'signal'>,
  own: readonly EngineDevice[],
): Promise<DiscoveredEngine> {
  const { enabled, path, args, draft } = config.llamaServer
  const none = { engine: llamaServer.id, devices: [], settings: {}, env: {}, warnings: [] }
  if (!enabled) return none
  const problems: string[] = []
  const vulkanEnv = allOfVulkan(own)
  for (const binary of await llamaServersIn({ path, home, env })) {
    const asked = await askServer(binary, { ...env, ...vulkanEnv }, LIMIT_MS, signal)
    if ('problem' in asked) {
      problems.push(`${binary}: ${asked.problem}`)
      continue
    }
    const devices = devicesOf(asked.devices, own)
    const backends = [...new Set(devices.flatMap(({ name }) => backendOf(name) ?? []))]
    const managed: ManagedSettings = {
      binary,
      args: splitArguments(args),
      logs: join(home, 'logs'),
      ...(tellsState(asked.version) ? { tellsState: true } : {}),
      ...(draft === undefined ? {} : { draft: { folder: dirname(draft), name: basename(draft) } }),
    }
    return {
      ...none,
      version: ['llama-server', asked.version, ...backends].join(' '),
      devices,
      settings: { managed },
      env: vulkanEnv,
      warnings: problems.map((problem) => `llama-server: ${problem}`),
    }
  }
  if (problems.length === 0) return none
  const problem = problems.join('; ')
  return { ...none, problem, warnings: [`llama-server: ${problem}`] }
}
