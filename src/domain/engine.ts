import type { DeviceKind } from './device.ts'
import type { ModelFormat } from './model.ts'
import type { Task } from './task.ts'

export const ENGINE_IDS = ['onnxruntime', 'llama.cpp', 'openvino', 'openai'] as const
/** Software that runs models. */
export type EngineId = (typeof ENGINE_IDS)[number]

/** What an engine can do, as plain data: feeds defaults, the planner, `tandem plan` and the docs. */
export interface EngineDescriptor {
  readonly id: EngineId
  readonly title: string
  readonly tasks: readonly Task[]
  readonly devices: readonly DeviceKind[]
  /** Prefixes of device strings that name several devices at once: `HETERO`. */
  readonly virtualDevices?: readonly string[]
  /** In order of preference. */
  readonly formats: readonly ModelFormat[]
  /** What the machine must have; empty when nothing. */
  readonly needs: string
}
