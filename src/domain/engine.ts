import type { DeviceKind } from './device.ts'
import type { ModelFormat } from './model.ts'
import type { Task } from './task.ts'

export const ENGINE_IDS = ['onnxruntime', 'llama.cpp', 'openvino', 'openai'] as const
/** Software that runs models. */
export type EngineId = (typeof ENGINE_IDS)[number]

/** What a decoder may be opened with less of, so that it fits on a device. */
export type Trade = 'kvType' | 'gpuLayers' | 'cpuExperts'

/** Memory that an engine takes besides what follows from a model's shape; measured, see `bench/memory.js`. */
export interface Footprint {
  /** Of its worker process before a model is loaded. */
  readonly processBytes: number
  /** Decoders: tokens that it reads at once, at most. */
  readonly batchTokens?: { readonly cpu: number; readonly gpu: number }
  /** Encoders: how often it keeps the weights. */
  readonly weightCopies?: number
  /** Encoders: how often one layer's widest results stand in memory at once. */
  readonly activationCopies?: number
}

/** What an engine can do, as plain data: feeds defaults, the planner, `tandem plan` and the docs. */
export interface EngineDescriptor {
  readonly id: EngineId
  readonly title: string
  readonly tasks: readonly Task[]
  readonly devices: readonly DeviceKind[]
  /**
   * Prefixes of device strings that list several devices: `HETERO:GPU.1,CPU`. One that chooses needs no list; of one that splits each
   * holds its part of the model, by the numbers in brackets or by its memory: `LAYER:gpu1(3),gpu0(1)`.
   */
  readonly virtualDevices?: readonly {
    readonly prefix: string
    readonly chooses: boolean
    readonly splits?: boolean
  }[]
  /** In order of preference. */
  readonly formats: readonly ModelFormat[]
  /** What the machine must have; empty when nothing. */
  readonly needs: string
  /** Absent: none, it opens a model whole or not at all. */
  readonly trades?: readonly Trade[]
  /** Absent: a guess stands in. */
  readonly footprint?: Footprint
}
