import type { Device, EngineDescriptor, Fit, Model, ModelShape, Task } from '../../domain/index.ts'

export interface FitRequest {
  readonly task: Task
  readonly model: Model
  /** Absent where the files could not be read: the weights' size must do. */
  readonly shape?: ModelShape
  readonly engine: EngineDescriptor
  readonly device: Device
  /** On the device, less what the plan has put there already. */
  readonly freeBytes: number
  /** In the system's memory, likewise. */
  readonly hostFreeBytes: number
  /** Decoders: what the user wants; absent: the model's window, as far as it is sensible. */
  readonly contextTokens?: number
  readonly slots?: number
}

/** Whether a model fits on a device, and how it is opened so that it does. */
export function fit({ model, engine, freeBytes }: FitRequest): Fit {
  const format = engine.formats.find((each) => model.files[each] !== undefined)
  const weightBytes = (format ? (model.files[format] ?? []) : []).reduce(
    (sum, file) => sum + file.sizeBytes,
    0,
  )
  if (weightBytes > freeBytes)
    return {
      fits: false,
      reason: `does not fit: ${weightBytes} bytes of weights, ${freeBytes} bytes of memory`,
    }
  const need = { deviceBytes: weightBytes, hostBytes: weightBytes, weightBytes, kvBytes: 0, computeBytes: 0 }
  return { fits: true, need, traded: [] }
}
