import type { Device } from '../domain/index.ts'
import { lookAtLinux } from './linux/presence.ts'
import { type PowerOptions, readPower } from './power.ts'
import { changesBetween, type PresentDevice, type Snapshot } from './snapshot.ts'
import { readWindowsDevices } from './windows/devices.ts'
import { within } from './within.ts'

export interface WatchOptions extends PowerOptions {
  readonly intervalMs: number
  /** The devices as they are known now: they give the ids in the sentences. */
  readonly devices: () => readonly Device[]
  /** What changed, as sentences; at least one. The caller looks for devices anew. */
  readonly onChange: (changes: readonly string[]) => void
}

const LIMIT_MS = 2000
/** PowerShell takes half a second of the CPU. */
const LEAST_WINDOWS_MS = 60_000

/**
 * Looks now and then which accelerators are there, whether a driver has them, and what the machine runs on. It does not
 * ask engines. What cannot be read at one look is compared at the next.
 * @param options `signal` ends it
 * @returns resolves when it has taken the first look, from which on changes are told
 */
export async function watchDevices(options: WatchOptions): Promise<void> {
  const { signal, devices, onChange } = options
  const everyMs =
    process.platform === 'win32' ? Math.max(LEAST_WINDOWS_MS, options.intervalMs) : options.intervalMs
  let last = await look(options, undefined)
  const next = () => {
    if (signal.aborted) return
    const timer = setTimeout(async () => {
      signal.removeEventListener('abort', stop)
      const now = await look(options, last)
      if (signal.aborted) return
      const changes = changesBetween(last, now, (device) => nameOf(device, devices()))
      last = now
      if (changes.length > 0) onChange(changes)
      next()
    }, everyMs)
    timer.unref() // it keeps no process alive
    const stop = () => clearTimeout(timer)
    signal.addEventListener('abort', stop, { once: true })
  }
  next()
}

/** What could not be read stays as it was. */
async function look(
  { root = '/', signal, env }: WatchOptions,
  last: Snapshot | undefined,
): Promise<Snapshot> {
  const [devices, power] = await Promise.all([
    within(LIMIT_MS, present(root, signal, env), undefined),
    readPower({ root, signal, env }),
  ])
  return { devices: devices ?? last?.devices, power: { ...last?.power, ...power } }
}

async function present(root: string, signal: AbortSignal, env: NodeJS.ProcessEnv): Promise<PresentDevice[]> {
  if (process.platform === 'linux') return lookAtLinux(root)
  if (process.platform !== 'win32') return []
  const found = await readWindowsDevices(signal, env, LIMIT_MS)
  return found.map(({ pciAddress, title, driver }, at) => ({
    key: pciAddress ?? `${title} ${at}`,
    title,
    ...(driver === undefined ? {} : { driver }),
  }))
}

function nameOf({ key, title }: PresentDevice, devices: readonly Device[]): string {
  return devices.find(({ pciAddress, name }) => pciAddress === key || name === title)?.id ?? title
}
