import { TandemError } from '../../domain/index.ts'
import { openvino } from './descriptor.ts'
import { membersOf } from './device-string.ts'
import type { Core } from './native/core.ts'
import { saysDriver, shortMessage } from './native/errors.ts'

/**
 * Looks for the devices that a device string names: a plugin without its device fails later with whatever it stumbles
 * over first.
 * @throws TandemError DEVICE_NOT_FOUND, DRIVER_MISSING
 */
export function checkPresence(core: Core, device: string): void {
  const wanted = membersOf(device).filter((member) => member.name !== 'CPU')
  if (wanted.length === 0) return
  const known = core.devices()
  for (const { name, kind } of wanted) {
    if (known.some((there) => there === name || there.startsWith(`${name}.`) || there === withoutFirst(name)))
      continue
    try {
      core.pluginVersion(kind)
    } catch (error) {
      const why = shortMessage(error instanceof Error ? error.message : String(error))
      if (saysDriver(why)) throw new TandemError('DRIVER_MISSING', { device: name, why }, { cause: error })
    }
    throw new TandemError('DEVICE_NOT_FOUND', {
      engine: openvino.title,
      device: name,
      known: known.join(', '),
    })
  }
}

/** A device that is alone of its kind is listed without its number. */
function withoutFirst(name: string): string {
  return name.replace(/\.0$/, '')
}
