import type { IntelFacts } from './facts.ts'
import { readLinuxFacts } from './linux.ts'
import { readWindowsFacts } from './windows.ts'

/** Facts about Intel's GPUs and NPU of this machine. Takes milliseconds on Linux, seconds on Windows. */
export async function readIntelFacts(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<IntelFacts> {
  if (process.platform === 'linux') return readLinuxFacts({ libraryPath: env['LD_LIBRARY_PATH'] ?? '' })
  if (process.platform === 'win32') return readWindowsFacts(signal, env)
  return { platform: 'unknown', why: 'OpenVINO uses only the CPU on this system' }
}
