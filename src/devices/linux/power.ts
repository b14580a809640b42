import { join } from 'node:path'
import { definedOnly } from '../defined-only.ts'
import type { Power } from '../power.ts'
import { namesIn, textOf } from './files.ts'

interface Supply {
  readonly type: string | undefined
  readonly scope: string | undefined
  readonly status: string | undefined
  readonly online: string | undefined
}

/** From `/sys/class/power_supply` and the firmware's profile. */
export async function readLinuxPower(root: string): Promise<Power> {
  const folder = join(root, 'sys/class/power_supply')
  const supplies = await Promise.all((await namesIn(folder)).map((name) => readSupply(join(folder, name))))
  const profile = await textOf(join(root, 'sys/firmware/acpi/platform_profile'))
  return definedOnly({ onBattery: onBattery(supplies), profile })
}

async function readSupply(folder: string): Promise<Supply> {
  const [type, scope, status, online] = await Promise.all(
    ['type', 'scope', 'status', 'online'].map((name) => textOf(join(folder, name))),
  )
  return { type, scope, status, online }
}

/** A mouse has a battery too: its scope is `Device`. Undefined on a machine without a battery that tells its state. */
function onBattery(supplies: readonly Supply[]): boolean | undefined {
  const system = supplies.filter(({ scope }) => scope !== 'Device')
  if (system.some(({ type, online }) => type !== 'Battery' && Number(online) > 0)) return false
  const batteries = system.filter(({ type }) => type === 'Battery').map(({ status }) => status)
  if (batteries.includes('Discharging')) return true
  return batteries.some((status) => status !== undefined && status !== 'Unknown') ? false : undefined
}
