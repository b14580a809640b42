import { TandemError } from '../../../domain/index.ts'

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
export interface Doing {
  readonly device: string
  readonly model: string
}

const ENGINE = 'OpenVINO'

/** The library file itself cannot be used. */
export function refused(file: string, why: string, cause?: unknown): TandemError {
  return new TandemError('ENGINE_LIBRARY_BAD', { engine: ENGINE, file, why }, { cause })
}

/** OpenVINO's messages start with places in its own source: people need the last lines. */
export function shortMessage(message: string): string {
  const lines = message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^Exception from [^:]+:\d+:?$/.test(line))
  return lines.join('; ').slice(0, 500)
}

/** Turns what the library said into an error for people; a TandemError passes unchanged. */
export function toTandemError(thrown: unknown, { device, model }: Doing): TandemError {
  if (thrown instanceof TandemError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const why = shortMessage(message)
  const cause = { cause: thrown }
  if (
    /out of (device |host )?memory|bad_alloc|CL_OUT_OF|CL_MEM_OBJECT_ALLOCATION|OUT_OF_(DEVICE|HOST)_MEMORY/i.test(
      message,
    )
  )
    return new TandemError('DEVICE_OUT_OF_MEMORY', { device, model }, cause)
  if (DRIVER.test(message)) return new TandemError('DRIVER_MISSING', { device, why }, cause)
  if (
    /is not registered|no (supported|available) devices|wrong device|not in the list of available|Device with .* not found|No device/i.test(
      message,
    )
  )
    return new TandemError('DEVICE_NOT_FOUND', { engine: ENGINE, device }, cause)
  const operator = unsupportedOperator(message)
  if (operator)
    return new TandemError('MODEL_UNSUPPORTED', { engine: ENGINE, device, model, why: operator }, cause)
  return new TandemError('ENGINE_FAILED', { engine: ENGINE, why: `${device}: ${why}` }, cause)
}

const DRIVER =
  /Cannot load library|libze_loader|ze_loader|zeInit|level.?zero|Failed to load.*driver|clGetPlatformIDs|driver (is )?not|No OpenCL/i

/** The operator that a plugin or the reader does not know. */
export function unsupportedOperator(message: string): string | undefined {
  const found =
    /Cannot create (\S+) layer (\S+) id/i.exec(message) ??
    /(?:Unsupported|not supported) op(?:eration|erator|set)?s?(?: of type)?:? ['"]?([\w:.]+)/i.exec(
      message,
    ) ??
    /[Oo]perations? (?:with name )?['"]?([\w:./]+)['"]? (?:of type ([\w:.]+) )?(?:\([^)]*\) )?(?:is|are) not supported/.exec(
      message,
    ) ??
    /OpenVINO does not support the following ONNX operations: ([\w:., ]+)/.exec(message)
  return found ? `it does not know the operator ${found[1]}` : undefined
}
