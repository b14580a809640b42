import { TandemError } from '../../../domain/index.ts'
import { openvino } from '../descriptor.ts'

/** A C function returned a failure. */
export class NativeError extends Error {
  override readonly name = 'NativeError'

  constructor(
    readonly call: string,
    readonly status: number,
    message: string,
  ) {
    super(message.trim() || `${call} failed with status ${status}`)
  }
}

/** What was being done when the library failed. */
interface Doing {
  readonly device: string
  readonly model: string
}

/** The library file itself cannot be used. */
export function badLibrary(file: string, why: string, cause?: unknown): TandemError {
  return new TandemError('ENGINE_LIBRARY_BAD', { engine: openvino.title, file, why }, { cause })
}

/** OpenVINO's messages name places in its own source; people need the rest. At most 500 characters. */
export function shortMessage(message: string): string {
  const lines = message
    .replace(/Exception from \S+:\d+:/g, '\n')
    .split('\n')
    .map((line) => line.trim())
  return lines
    .filter((line) => line !== '')
    .join('; ')
    .slice(0, 500)
}

/** Turns what the library said into an error for people; a TandemError passes unchanged. */
export function toTandemError(thrown: unknown, { device, model }: Doing): TandemError {
  if (thrown instanceof TandemError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const why = shortMessage(message)
  const engine = openvino.title
  const cause = { cause: thrown }
  if (OUT_OF_MEMORY.test(message)) return new TandemError('DEVICE_OUT_OF_MEMORY', { device, model }, cause)
  if (saysDriver(message)) return new TandemError('DRIVER_MISSING', { device, why }, cause)
  if (NO_DEVICE.test(message)) return new TandemError('DEVICE_NOT_FOUND', { engine, device }, cause)
  const unsupported = unsupportedOperator(message) ?? badShape(thrown)
  if (unsupported)
    return new TandemError('MODEL_UNSUPPORTED', { engine, device, model, why: unsupported }, cause)
  return new TandemError('ENGINE_FAILED', { engine, why: `${device}: ${why}` }, cause)
}

const OUT_OF_MEMORY =
  /out of (device |host )?memory|bad_alloc|CL_MEM_OBJECT_ALLOCATION|OUT_OF_(DEVICE_|HOST_)?(MEMORY|RESOURCES)|exceed\w* (the )?max\w* size of memory/i
const DRIVER =
  /Cannot load library|ze_loader|zeInit|clGetPlatformIDs|(driver|compiler) (is )?(not (found|installed|available)|missing|too old|loading failed)/i
const NO_DEVICE = /is not registered in|no available devices|device .* (was )?not found|invalid device/i

/** Whether a message blames a driver or a library of the system. */
export function saysDriver(message: string): boolean {
  return DRIVER.test(message)
}

const OPERATOR = [
  /doesn't contain the operation with type: (\S+)/,
  /does not support the following ONNX operations: ([\w:., ]+)/,
  /Cannot create (\S+) layer/,
  /(?:Unsupported|Not supported) (?:operation|operator|op|layer)s?(?: of type| with type| type)?:? *['"]?([\w:./]+)/i,
  /operations? ['"]?(?:of type )?([\w:./]+)['"]?(?: \S+)? (?:is|are) (?:not|un)supported/i,
]

/** Says which operator a reader or a plugin does not know, where that is what the message says. */
export function unsupportedOperator(message: string): string | undefined {
  for (const pattern of OPERATOR) {
    const name = pattern.exec(message)?.[1]
    if (name) return `it does not know the operator ${name}`
  }
  return undefined
}

function badShape(thrown: unknown): string | undefined {
  if (!(thrown instanceof NativeError)) return undefined
  const shape =
    thrown.call === 'ov_model_reshape' ||
    /shapes? .*(inconsistent|incompatible|mismatch)/i.test(thrown.message)
  return shape ? `the shape does not fit the model: ${shortMessage(thrown.message)}` : undefined
}
