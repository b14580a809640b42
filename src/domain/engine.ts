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
  /** Prefixes of device strings that list several devices: `HETERO:GPU.1,CPU`. One that chooses needs no list. */
  readonly virtualDevices?: readonly { readonly prefix: string; readonly chooses: boolean }[]
  /** In order of preference. */
  readonly formats: readonly ModelFormat[]
  /** What the machine must have; empty when nothing. */
  readonly needs: string
}
