/** Arithmetic from the figures of a machine to what a placement does there. Pure. */
import type {
  DecoderFigures,
  EncoderFigures,
  EngineId,
  Interference,
  Measurement,
  Model,
  ModelFormat,
  ModelShape,
  PlacementRef,
  Task,
} from '../../domain/index.ts'
import { isEstimate } from './figure.ts'
import type { DeviceFigures, SimulatedDevice, SimulatedMachine } from './machine.ts'
import { decoderSizes, encoderSizes } from './sizes.ts'
import { type DecoderTiming, type EncoderTiming, inferenceMs, type Timing } from './timing.ts'

/** A candidate: a model on an engine and device. */
export interface Candidate {
  readonly task: Task
  readonly model: Model
  readonly shape?: ModelShape
  readonly engine: EngineId
  /** Device id. */
  readonly device: string
}

/**
 * Formats that an engine reads, in its order, and its speed with encoders beside OpenVINO's, 0..1.
 * Measured for this project on 2 cores of an EPYC: OpenVINO int8 427, ONNX Runtime int8 262 texts/s.
 */
const ENGINES: Readonly<
  Partial<
    Record<
      EngineId,
      { readonly does: 'encoders' | 'chat'; readonly formats: readonly ModelFormat[]; readonly share: number }
    >
  >
> = {
  openvino: { does: 'encoders', formats: ['openvino-ir', 'onnx'], share: 1 },
  onnxruntime: { does: 'encoders', formats: ['onnx'], share: 0.61 },
  'llama.cpp': { does: 'chat', formats: ['gguf'], share: 1 },
}

/** Of a device's own memory: the rest is taken by the cache, buffers and the desktop. */
const USABLE = 0.85
const DYNAMIC_BATCH = 8
const MEASURED_TOKENS = [128, 256, 512]

/** Two placements on one device take turns. */
const SAME_DEVICE = 0.5

const nanoseconds = 1e9 // GB/s and TFLOPS to milliseconds: bytes / (GB/s x 10^6), FLOP / (TFLOPS x 10^9)

interface Timed {
  readonly timing: Timing
  readonly figures: DeviceFigures
  readonly at: SimulatedDevice
  readonly weightBytes: number
  readonly estimated: boolean
}

function timed(machine: SimulatedMachine, candidate: Candidate): Timed | undefined {
  const { task, model, shape, engine, device } = candidate
  const at = machine.devices.find((each) => each.device.id === device)
  const known = ENGINES[engine]
  const format = known?.formats.find((each) => model.files[each] !== undefined)
  if (!at?.figures || !known || !format || at.device.engines[engine] === undefined) return undefined
  if (!model.tasks.includes(task) || (task === 'chat') !== (known.does === 'chat')) return undefined
  const { figures } = at
  const loadMs = (weightBytes: number) => figures.loadMs.value + weightBytes / (figures.loadRate.value * 1e6)
  if (task === 'chat') {
    const sizes = decoderSizes(model, shape, format)
    const { weightBytes } = sizes
    return {
      timing: { loadMs: loadMs(weightBytes), decoder: decoderTiming(machine, at, figures, sizes) },
      figures,
      at,
      weightBytes,
      estimated:
        isEstimate(figures.bandwidth, figures.decodeShare, figures.promptTflops) || !fits(at, weightBytes),
    }
  }
  const sizes = encoderSizes(model, shape, format)
  const flopMs = 1 / (figures.encoderTflops.value * known.share * nanoseconds)
  const encoder: EncoderTiming = {
    callMs: figures.callMs.value,
    msPerToken: 2 * sizes.layerParameters * flopMs,
    msPerTokenPair: 4 * sizes.attentionWidth * flopMs,
    maxBatch: at.buckets ? 1 : DYNAMIC_BATCH,
    ...(at.buckets ? { buckets: at.buckets } : {}),
  }
  return {
    timing: { loadMs: loadMs(sizes.weightBytes), encoder },
    figures,
    at,
    weightBytes: sizes.weightBytes,
    estimated: isEstimate(figures.encoderTflops) || known.share !== 1,
  }
}

function fits({ device }: SimulatedDevice, bytes: number): boolean {
  return device.memoryBytes === undefined || bytes <= device.memoryBytes * USABLE
}

/** What does not fit into a GPU's own memory is read by the CPU, layer after layer. */
function decoderTiming(
  machine: SimulatedMachine,
  { device }: SimulatedDevice,
  figures: DeviceFigures,
  { weightBytes, activeBytes, activeParameters }: ReturnType<typeof decoderSizes>,
): DecoderTiming {
  const room = device.kind === 'cpu' ? weightBytes : (device.memoryBytes ?? weightBytes) * USABLE
  const here = Math.min(1, room / weightBytes)
  const cpu = machine.devices.at(-1)?.figures ?? figures
  const read = (on: DeviceFigures) => activeBytes / (on.bandwidth.value * on.decodeShare.value * 1e6)
  const multiply = (on: DeviceFigures) => (2 * activeParameters) / (on.promptTflops.value * nanoseconds)
  return {
    callMs: figures.callMs.value,
    promptMsPerToken: here * multiply(figures) + (1 - here) * multiply(cpu),
    tokenMs: figures.tokenMs.value + here * read(figures) + (1 - here) * read(cpu),
  }
}

/** Service times of a placement for the engine that stands in for it; undefined where it cannot run. */
export function simulatedTiming(machine: SimulatedMachine, candidate: Candidate): Timing | undefined {
  return timed(machine, candidate)?.timing
}

/** What a calibration would find; undefined where the engine does not run there or does not read the model. */
export function simulatedMeasurement(
  machine: SimulatedMachine,
  candidate: Candidate,
): Measurement | undefined {
  const found = timed(machine, candidate)
  if (!found) return undefined
  const { timing, figures, at, weightBytes, estimated } = found
  const { task, model, engine, device } = candidate
  const ref = { task, model: model.id, engine, device, from: 'profile' as const }
  const memory = machine.devices.at(-1)?.device.memoryBytes ?? Number.POSITIVE_INFINITY
  if (weightBytes > memory + (at.device.sharedMemory || device === 'cpu' ? 0 : (at.device.memoryBytes ?? 0)))
    return { ...ref, failed: `does not fit: ${weightBytes} bytes of weights, more than all memory` }
  const own = at.device.kind === 'dgpu'
  return {
    ...ref,
    ...(estimated ? { estimated: true } : {}),
    loadMs: timing.loadMs,
    hostBytes: own ? 0 : weightBytes,
    ...(own ? { deviceBytes: Math.min(weightBytes, at.device.memoryBytes ?? weightBytes) } : {}),
    watts: figures.busyWatts.value - figures.idleWatts.value,
    ...(timing.encoder ? { encoder: encoderFigures(timing.encoder) } : {}),
    ...(timing.decoder ? { decoder: decoderFigures(timing.decoder) } : {}),
    ...(at.device.kind === 'cpu' ? { threads: at.device.cores ?? 1 } : {}),
  }
}

function encoderFigures(timing: EncoderTiming): EncoderFigures {
  const batches = timing.maxBatch > 1 ? [1, timing.maxBatch] : [1]
  const buckets = (timing.buckets ?? MEASURED_TOKENS).flatMap((tokens) =>
    batches.map((batch) => ({ tokens, batch, msPerText: inferenceMs(timing, tokens, batch) / batch })),
  )
  return { textsPerSecond: 1000 / Math.min(...buckets.map(({ msPerText }) => msPerText)), buckets }
}

function decoderFigures({ promptMsPerToken, tokenMs }: DecoderTiming): DecoderFigures {
  return { promptTokensPerSecond: 1000 / promptMsPerToken, decodeTokensPerSecond: 1000 / tokenMs }
}

/** Share of its speed, 0..1, that `device` keeps while `beside` works. */
export function keepsBeside(machine: SimulatedMachine, device: string, beside: string): number {
  if (device === beside) return SAME_DEVICE
  const pair = machine.contention.find((each) => each.device === device && each.beside === beside)
  return pair?.keeps.value ?? 1
}

/** How much two placements slow each other when both work. */
export function simulatedInterference(
  machine: SimulatedMachine,
  first: PlacementRef,
  second: PlacementRef,
): Interference {
  return {
    first,
    second,
    firstKeeps: keepsBeside(machine, first.device, second.device),
    secondKeeps: keepsBeside(machine, second.device, first.device),
  }
}
