import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const POWERCFG_MS = 2000

/** How the machine is powered: the same placement is slower on battery or in a quiet profile. */
export interface Power {
  /** Name for the cache, e.g. `balanced, powersave`; empty where the system tells nothing. */
  readonly profile: string
  readonly onBattery: boolean
}

/**
 * Reads the power profile: Linux by sysfs, Windows by `powercfg` (there a battery is not looked at).
 * @param root tests put a folder of their own in the place of `/sys`
 */
export async function readPower(root = '/sys'): Promise<Power> {
  if (process.platform === 'win32') return { profile: await windowsScheme(), onBattery: false }
  const [platform, governor, onBattery] = await Promise.all([
    word(join(root, 'firmware', 'acpi', 'platform_profile')),
    word(join(root, 'devices', 'system', 'cpu', 'cpu0', 'cpufreq', 'scaling_governor')),
    isDischarging(join(root, 'class', 'power_supply')),
  ])
  const said = [platform, governor, onBattery ? 'battery' : ''].filter((each) => each !== '')
  return { profile: said.join(', '), onBattery }
}

/** A battery of the system that discharges; those of mice and keyboards have the scope `Device`. */
async function isDischarging(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => [])
  const supplies = await Promise.all(
    names.map(async (name) => ({
      type: await word(join(folder, name, 'type')),
      scope: await word(join(folder, name, 'scope')),
      status: await word(join(folder, name, 'status')),
    })),
  )
  return supplies.some(
    ({ type, scope, status }) => type === 'Battery' && scope !== 'Device' && status === 'Discharging',
  )
}

async function word(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim()
}

async function windowsScheme(): Promise<string> {
  const run = promisify(execFile)('powercfg', ['/getactivescheme'], {
    timeout: POWERCFG_MS,
    windowsHide: true,
  })
  return schemeOf(
    await run.then(
      ({ stdout }) => stdout,
      () => '',
    ),
  )
}

/** The id of the scheme in what `powercfg /getactivescheme` prints, in any language. */
export function schemeOf(printed: string): string {
  return /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(printed)?.[0].toLowerCase() ?? ''
}
