/** What of the world can change under a running plan, and what did, as sentences. Pure. */
import type { Power } from './power.ts'

export interface PresentDevice {
  /** PCI address; where the system does not tell it, what it calls the device. */
  readonly key: string
  readonly title: string
  readonly driver?: string
  /** Another one each time that a driver takes the device; absent where the system does not tell. */
  readonly bound?: string
}

export interface Snapshot {
  /** Undefined until they were read once. */
  readonly devices: readonly PresentDevice[] | undefined
  readonly power: Power
}

/**
 * What changed from one look to the next.
 * @param nameOf what people call a device: its id
 * @returns sentences, none when nothing did
 */
export function changesBetween(
  before: Snapshot,
  after: Snapshot,
  nameOf: (device: PresentDevice) => string,
): string[] {
  return [...deviceChanges(before.devices, after.devices, nameOf), ...powerChange(before.power, after.power)]
}

/** What is unknown before or after is no change. */
function deviceChanges(
  before: Snapshot['devices'],
  after: Snapshot['devices'],
  nameOf: (device: PresentDevice) => string,
): string[] {
  if (before === undefined || after === undefined) return []
  const find = (devices: readonly PresentDevice[], key: string) =>
    devices.find((device) => device.key === key)
  const gone = before.filter(({ key }) => !find(after, key))
  const stayed = after.flatMap((now) => {
    const then = find(before, now.key)
    return then ? driverChange(then, now, nameOf(now)) : [`${now.title} was added`]
  })
  return [...gone.map((device) => `${nameOf(device)} is gone`), ...stayed]
}

function driverChange(then: PresentDevice, now: PresentDevice, name: string): string[] {
  if (now.driver === undefined)
    return then.driver === undefined ? [] : [`${name} lost its driver (${then.driver})`]
  if (then.driver === undefined) return [`${name} has a driver now (${now.driver})`]
  if (then.driver !== now.driver)
    return [`${name} has another driver (${now.driver} instead of ${then.driver})`]
  return then.bound === now.bound ? [] : [`${name}'s driver was reset`]
}

/** What is unknown before or after is no change. */
function powerChange(then: Power, now: Power): string[] {
  const known = <T>(a: T | undefined, b: T | undefined) => a !== undefined && b !== undefined && a !== b
  return [
    ...(known(then.onBattery, now.onBattery)
      ? [now.onBattery ? 'the laptop runs on battery' : 'the laptop is plugged in']
      : []),
    ...(known(then.profile, now.profile) ? [`the power profile is ${now.profile}`] : []),
  ]
}
