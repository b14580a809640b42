import { arch, cpus, platform } from 'node:os'
import type { EngineDevice } from '../../domain/index.ts'
import type { DiscoveredEngine, DiscoveryInput } from '../discovery.ts'
import { packageVersion } from '../package-version.ts'
import { type ProbeAnswer, runProbeProcess } from '../probe-process.ts'
import { llamaCpp } from './descriptor.ts'
import { VulkanReport, vulkanDevices } from './vulkan-devices.ts'

const PACKAGE = 'node-llama-cpp'
const ENTRY = 'engines/llama.cpp/probe'
/** A GPU that sleeps takes a second or two to wake; while a machine boots or builds, over 5 s have been seen. What is missed here is missed until the next start. */
const LIMIT_MS = 30_000

/** llama.cpp comes with Tandem and runs on the CPU; its GPUs are asked for in a process of its own. */
export async function discoverLlamaCpp({
  signal,
}: Pick<DiscoveryInput, 'signal'>): Promise<DiscoveredEngine> {
  const version = packageVersion(PACKAGE)
  const rest = { engine: llamaCpp.id, settings: {}, env: {}, warnings: [] }
  if (version === undefined)
    return { ...rest, devices: [], problem: `the package ${PACKAGE} is not installed` }
  const title = cpus()[0]?.model.trim() || 'CPU'
  const cpu: EngineDevice = { engine: llamaCpp.id, name: 'cpu', kind: 'cpu', title }
  const { devices, problem } = await gpus(signal)
  return {
    ...rest,
    version: `${PACKAGE} ${version}`,
    devices: [...devices, cpu],
    warnings: problem === undefined ? [] : [`${llamaCpp.title}: ${problem}`],
    ...(problem === undefined ? {} : { problem }),
  }
}

/** What could be taken of the GPUs' memory now, in bytes by llama.cpp's name of them; none where Vulkan does not tell. */
export async function freeOnGpus(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const { devices } = await gpus(signal)
  return new Map(
    devices.flatMap(({ name, freeBytes }) => (freeBytes === undefined ? [] : [[name, freeBytes]])),
  )
}

interface Gpus {
  readonly devices: readonly EngineDevice[]
  /** Why there are none, where something is wrong. */
  readonly problem?: string
}

async function gpus(signal: AbortSignal): Promise<Gpus> {
  if (platform() === 'darwin') return { devices: arch() === 'arm64' ? [METAL] : [] }
  return readVulkanProbe(await runProbeProcess(ENTRY, [], { limitMs: LIMIT_MS, signal }))
}

/** Every Mac with Apple's own processor has it; its memory is the system's. */
const METAL: EngineDevice = {
  engine: llamaCpp.id,
  name: 'Metal',
  kind: 'igpu',
  title: 'Apple GPU',
  vendor: 'apple',
}

/** Reads what the probe printed; a crash, silence or garbage is a problem, never an error. */
export function readVulkanProbe({ stdout, why }: ProbeAnswer): Gpus {
  if (why !== undefined)
    return { devices: [], problem: `Vulkan's devices are unknown: its probe failed: ${why}` }
  try {
    const [last = ''] = stdout.trim().split('\n').slice(-1) // drivers and layers print too
    return { devices: vulkanDevices(VulkanReport.parse(JSON.parse(last)).devices) }
  } catch {
    const printed = JSON.stringify(stdout.slice(0, 200))
    return { devices: [], problem: `Vulkan's devices are unknown: its probe printed ${printed}` }
  }
}
