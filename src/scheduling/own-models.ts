import type { Device, PlacementRef } from '../domain/index.ts'

/** Whether the model is Tandem's to unload there: not where somebody else's server has loaded it, unless its user allows it. */
export function isOursToUnload(
  { device }: Pick<PlacementRef, 'device'>,
  devices: readonly Device[],
): boolean {
  const server = devices.find(({ id }) => id === device)?.server
  return !server || server.launch !== undefined || server.manage === true
}
