import type { Device, Model, ModelShape, SimulatedMachineId } from '../../domain/index.ts'
import type { Figure } from './figure.ts'

/** How fast a device is, as far as the simulator knows. */
export interface DeviceFigures {
  /** Memory bandwidth in GB/s (10^9 bytes). */
  readonly bandwidth: Figure
  /** Share of the bandwidth that decoding reaches, 0..1. */
  readonly decodeShare: Figure
  /** Effective TFLOPS while a prompt is read. */
  readonly promptTflops: Figure
  /** Effective TFLOPS of encoders with 8-bit or 16-bit weights. */
  readonly encoderTflops: Figure
  /** Milliseconds that a call costs whatever it does. */
  readonly callMs: Figure
  /** Milliseconds that a decoded token costs whatever the model. */
  readonly tokenMs: Figure
  /** GB/s at which a model's files become ready, from a cached compilation where there is such a cache. */
  readonly loadRate: Figure
  /** Milliseconds of a load whatever the model. */
  readonly loadMs: Figure
  readonly idleWatts: Figure
  readonly busyWatts: Figure
}

/** What is known to go wrong with a device, and the fault that does so here. */
export interface FailureMode {
  /** As in the setting `simulate.faults`. */
  readonly fault: string
  readonly title: string
  readonly source: string
}

export interface SimulatedDevice {
  readonly device: Device
  /** Absent: no engine runs on it. */
  readonly figures?: DeviceFigures
  /** It takes static shapes only: one text at a time, padded to the next of these lengths in tokens. */
  readonly buckets?: readonly number[]
  readonly failureModes: readonly FailureMode[]
}

/** `device` keeps this share of its speed, 0..1, while `beside` works. Pairs that are not listed do not disturb each other. */
export interface Contention {
  readonly device: string
  readonly beside: string
  readonly keeps: Figure
}

/** A model that people run on such a machine; it has no files. */
export interface SimulatedModel {
  readonly model: Model
  readonly shape: ModelShape
  /** Where its sizes come from. */
  readonly source: string
}

/** A whole machine as data. */
export interface SimulatedMachine {
  readonly id: SimulatedMachineId
  readonly title: string
  /** Accelerators first, the CPU last. */
  readonly devices: readonly SimulatedDevice[]
  readonly contention: readonly Contention[]
  /** What a plan uses there where the user configures no other. */
  readonly models: readonly SimulatedModel[]
}
