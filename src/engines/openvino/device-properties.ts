import { definedOnly, luidOf, pciAddress } from '../../devices/index.ts'

/** What a plugin says of a device, from its strings; absent where the plugin does not tell. */
export interface DeviceProperties {
  readonly kind: 'cpu' | 'npu' | 'igpu' | 'dgpu' | 'other'
  readonly fullName?: string
  readonly type?: 'integrated' | 'discrete'
  /** NPU: the platform (`3720`); GPU: version of the graphics unit; CPU: instruction set. */
  readonly architecture?: string
  /** As Windows writes it in its counters: `0x00000000_0x000128a6`. It changes at every boot. */
  readonly luid?: string
  /** As Linux writes it: `0000:03:00.0`. */
  readonly pciAddress?: string
  readonly memoryBytes?: number
  readonly driverVersion?: string
  /** `FP16`, `INT8`, `EXPORT_IMPORT`. */
  readonly capabilities?: readonly string[]
}

type Texts = Readonly<Record<string, string>>

/**
 * Reads the properties of one device.
 * @param name OpenVINO's own (`CPU`, `GPU.1`)
 * @param texts property values as the C library gives them
 */
export function readDeviceProperties(name: string, texts: Texts): DeviceProperties {
  const type = typeOf(texts['DEVICE_TYPE'])
  const fields = {
    fullName: present(texts['FULL_DEVICE_NAME']),
    type,
    architecture: present(texts['DEVICE_ARCHITECTURE']),
    luid: luidOf(texts['DEVICE_LUID']),
    pciAddress: pciAddressOf(texts['DEVICE_PCI_INFO']),
    memoryBytes: bytesOf(texts['GPU_DEVICE_TOTAL_MEM_SIZE'] ?? texts['NPU_DEVICE_TOTAL_MEM_SIZE']),
    driverVersion: present(texts['NPU_DRIVER_VERSION'] ?? texts['GPU_DRIVER_VERSION']),
    capabilities: listOf(texts['OPTIMIZATION_CAPABILITIES']),
  }
  return { kind: kindOf(name, type, fields.fullName), ...definedOnly(fields) }
}

/** The number of a GPU says nothing: a discrete one is `GPU` or `GPU.0` where no other is. */
function kindOf(name: string, type: DeviceProperties['type'], fullName = ''): DeviceProperties['kind'] {
  const base = name.split('.')[0]
  if (base === 'CPU') return 'cpu'
  if (base === 'NPU') return 'npu'
  if (base !== 'GPU') return 'other'
  return type === 'discrete' || /\(dGPU\)/.test(fullName) ? 'dgpu' : 'igpu'
}

function present(text: string | undefined): string | undefined {
  return text?.trim() || undefined
}

function typeOf(text: string | undefined): DeviceProperties['type'] {
  const word = text?.trim().toLowerCase()
  return word === 'integrated' || word === 'discrete' ? word : undefined
}

/** Space or comma between the items. */
function listOf(text: string | undefined): string[] | undefined {
  const items = text?.split(/[\s,]+/).filter((item) => item !== '')
  return items && items.length > 0 ? items : undefined
}

function bytesOf(text: string | undefined): number | undefined {
  const bytes = Number(text?.trim() || Number.NaN)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}

/** `{domain: 0 bus: 3 device: 0x0 function: 0}`: the bus is decimal, the device hexadecimal. */
export function pciAddressOf(text: string | undefined): string | undefined {
  const found = /domain:\s*(\d+)\s+bus:\s*(\d+)\s+device:\s*0x([\da-f]+)\s+function:\s*(\d+)/i.exec(
    text ?? '',
  )
  if (!found) return undefined
  const [, domain, bus, device, fn] = found
  return pciAddress({
    domain: Number(domain),
    bus: Number(bus),
    device: Number.parseInt(device!, 16),
    fn: Number(fn),
  })
}
