import { readAdapters, type WindowsAdapter } from '../windows/adapters.ts'
import { familyOf } from '../windows/devices.ts'
import type { UnknownFacts, WindowsAccelerator, WindowsFacts } from './facts.ts'

const LIMIT_MS = 30_000
const INTEL = 0x8086

/** Asks Windows for Intel's devices, at most 30 s. @throws the signal's reason */
export async function readWindowsFacts(
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<WindowsFacts | UnknownFacts> {
  try {
    return windowsFacts(await readAdapters({ signal, env, limitMs: LIMIT_MS }))
  } catch (thrown) {
    signal.throwIfAborted()
    return { platform: 'unknown', why: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}

/** Intel's among the adapters. */
export function windowsFacts(adapters: readonly WindowsAdapter[]): WindowsFacts {
  return { platform: 'win32', accelerators: adapters.flatMap(accelerator) }
}

function accelerator(adapter: WindowsAdapter): WindowsAccelerator[] {
  const kind = familyOf(adapter)
  const { vendorId, pciId: id, name, problem, driverVersion } = adapter
  if (vendorId !== INTEL || kind === undefined) return []
  return [{ kind, id, name, problem, ...(driverVersion === undefined ? {} : { driverVersion }) }]
}
