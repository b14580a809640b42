/** A physical device inside a device string. */
export interface Member {
  /** `GPU.1`, `CPU`; a load in brackets is left off. */
  readonly name: string
  /** `GPU`, `CPU`. */
  readonly kind: string
}

/** The devices that a device string names: `HETERO:GPU.1,CPU` names two, `AUTO` alone leaves the choice to OpenVINO. */
export function membersOf(device: string): Member[] {
  const virtual = /^(?:HETERO|AUTO|MULTI|BATCH)(?::(.*))?$/.exec(device)
  const names = virtual ? (virtual[1]?.split(',') ?? []) : [device]
  return names.map((text) => {
    const name = text.replace(/\(.*\)$/, '').trim()
    return { name, kind: name.split('.')[0] ?? name }
  })
}

export function isCpuOnly(device: string): boolean {
  const members = membersOf(device)
  return members.length > 0 && members.every((member) => member.kind === 'CPU')
}
