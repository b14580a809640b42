/** What a llama-server tells of itself: `--version` and `--list-devices`. Pure. */

/** A device as `--list-devices` has it. */
export interface ListedDevice {
  /** `Vulkan0`, `CUDA1`, `SYCL0` */
  readonly name: string
  readonly title: string
  readonly memoryBytes: number
  readonly freeBytes: number
}

const MIB = 1024 ** 2
/** Backends whose devices hold a model; others stand in the list too: BLAS, a server of RPC. */
const BACKENDS = ['CUDA', 'ROCm', 'MUSA', 'SYCL', 'Vulkan', 'MTL', 'Metal'] as const

/**
 * `b11669 (Debian)` of `version: 0.7.0 (build 11669, commit Debian)`, and of the older `version: 11669 (Debian)`.
 * @returns undefined where it tells no version
 */
export function readVersion(printed: string): string | undefined {
  const found =
    /^version: .*\(build (\d+), commit ([^)\s]+)\)/m.exec(printed) ??
    /^version: (\d+) \(([^)\s]+)\)/m.exec(printed)
  return found ? `b${found[1]} (${found[2]})` : undefined
}

/** In its order; what is no line of the list is left out: backends talk while they load. */
export function readDevices(printed: string): ListedDevice[] {
  const [, list = ''] = printed.split(/^Available devices:[^\S\n]*$/m)
  const lines = list.matchAll(/^\s+([A-Za-z]+\d*): (.+) \((\d+) MiB, (\d+) MiB free\)\s*$/gm)
  return [...lines].flatMap(([, name, title, total, free]) =>
    backendOf(name!) === undefined
      ? []
      : [
          {
            name: name!,
            title: title!.trim(),
            memoryBytes: Number(total) * MIB,
            freeBytes: Number(free) * MIB,
          },
        ],
  )
}

/** The part of llama.cpp that runs a device: `Vulkan` of `Vulkan0`. */
export function backendOf(name: string): (typeof BACKENDS)[number] | undefined {
  const plain = name.replace(/\d+$/, '').toLowerCase()
  return BACKENDS.find((each) => each.toLowerCase() === plain)
}
