/** Devices with a number and a load in brackets: `GPU.1`, `CPU(2)`. */
const MEMBER = /^([A-Za-z]+)(?:\.\w+)?(?:\([^)]*\))?$/

/** Kinds of physical devices that a device string names (`HETERO:GPU.1,CPU` names GPU and CPU); `AUTO` alone names none. */
export function kindsOf(device: string): string[] {
  const list = /^(?:HETERO|AUTO|MULTI|BATCH)(?::(.*))?$/.exec(device)
  const members = list ? (list[1]?.split(',') ?? []) : [device]
  return members.map((member) => MEMBER.exec(member.trim().replace(/^-/, ''))?.[1] ?? member)
}

export function isCpuOnly(device: string): boolean {
  const kinds = kindsOf(device)
  return kinds.length > 0 && kinds.every((kind) => kind === 'CPU')
}
