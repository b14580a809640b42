import { type Device, sameDeviceName } from '../domain/index.ts'

/** Devices that have this name: their id or an engine's name for them, else their kind. */
export function devicesCalled(name: string, devices: readonly Device[]): Device[] {
  const own = devices.filter(({ id, engines }) =>
    [id, ...Object.values(engines)].some((each) => sameDeviceName(each, name)),
  )
  return own.length > 0 ? own : devices.filter(({ kind }) => kind === name.toLowerCase())
}

/** The entry of `placement.never` that forbids a device. */
export function banOf(
  device: Device,
  never: readonly string[],
  devices: readonly Device[],
): string | undefined {
  return never.find(
    (name) => name.toLowerCase() === device.kind || devicesCalled(name, devices).includes(device),
  )
}

/** Entries of `placement.never` that name nothing here. */
export function emptyBans(never: readonly string[], devices: readonly Device[]): string[] {
  return never.filter((name) => devicesCalled(name, devices).length === 0)
}

/** `npu0 (NPU), cpu`: every device with its engines' names. */
export function namesOf(devices: readonly Device[]): string {
  return devices
    .map(({ id, engines }) => {
      const others = [...new Set(Object.values(engines))].filter((name) => !sameDeviceName(name, id))
      return others.length > 0 ? `${id} (${others.join(', ')})` : id
    })
    .join(', ')
}

/** Devices in an order that does not depend on how they were found: `gpu2` before `gpu10`, the CPU last. */
export function inOrder(devices: readonly Device[]): Device[] {
  const parts = ({ id }: Device) => /^(.*?)(\d*)$/.exec(id)!
  return [...devices].sort((a, b) => {
    if (a.kind === 'cpu' || b.kind === 'cpu') return Number(a.kind === 'cpu') - Number(b.kind === 'cpu')
    const [, nameA = '', numberA = ''] = parts(a)
    const [, nameB = '', numberB = ''] = parts(b)
    if (nameA !== nameB) return nameA < nameB ? -1 : 1
    return Number(numberA) - Number(numberB)
  })
}
