import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { splitArguments } from '../../../config/index.ts'
import type { EngineDevice } from '../../../domain/index.ts'
import type { DiscoveredEngine, DiscoveryInput } from '../../discovery.ts'
import { llamaServer } from './descriptor.ts'
import { allOfVulkan, devicesOf } from './devices.ts'
import { failureOf } from './failure.ts'
import { llamaServersIn } from './find.ts'
import { backendOf, type ListedDevice, readDevices, readVersion } from './report.ts'
import type { ManagedSettings } from './settings.ts'

/** A backend wakes its GPUs before it lists them. */
const LIMIT_MS = 8_000
const MAX_PRINTED = 1024 * 1024

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
    const asked = await ask(binary, { ...env, ...vulkanEnv }, signal)
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
      ...(draft === undefined ? {} : { draft }),
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

type Asked =
  | { readonly version: string; readonly devices: readonly ListedDevice[] }
  | { readonly problem: string }

async function ask(binary: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Asked> {
  const [told, listed] = await Promise.all([
    run(binary, ['--version'], env, signal),
    run(binary, ['--list-devices'], env, signal),
  ])
  signal.throwIfAborted()
  const version = readVersion(told.printed)
  if (version === undefined) {
    const why = told.why === undefined ? 'it tells no version' : failureOf(told.printed, told.why).why
    return { problem: why }
  }
  return { version, devices: readDevices(listed.printed) }
}

interface Run {
  /** Both streams. */
  readonly printed: string
  /** Why it failed; absent when it ended with exit code 0. */
  readonly why?: string
}

function run(
  binary: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Run> {
  return new Promise((resolve) => {
    const options = {
      env,
      signal,
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_PRINTED,
      windowsHide: true,
    } as const
    execFile(binary, args, options, (error, stdout, stderr) => {
      const printed = `${stdout}\n${stderr}`
      if (!error) resolve({ printed })
      else if (error.killed) resolve({ printed, why: `no answer within ${LIMIT_MS / 1000} s` })
      else if (typeof error.code === 'number') resolve({ printed, why: `exit code ${error.code}` })
      else resolve({ printed, why: error.signal ? `ended by ${error.signal}` : error.message })
    })
  })
}
