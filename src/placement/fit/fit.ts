import type {
  DecoderShape,
  Device,
  EncoderShape,
  EngineDescriptor,
  Fit,
  Footprint,
  MemoryNeed,
  Model,
  ModelShape,
  Task,
} from '../../domain/index.ts'
import { sharesMemory } from '../memory.ts'
import { fitDecoder } from './decoder-fit.ts'
import { fitEncoder } from './encoder-fit.ts'
import { deviceMargin, hostMargin } from './margin.ts'
import { type Places, type Room, shortage } from './words.ts'

const MIB = 1024 ** 2

/** Guesses (estimates) for an engine that says nothing of itself. */
const GUESS: Footprint = { processBytes: 256 * MIB, batchTokens: { cpu: 512, gpu: 512 } }
/** Most tokens that an encoder's engine reads at once, whatever the model could. */
const ENCODER_BATCH = 512
export interface FitRequest {
  readonly task: Task
  readonly model: Model
  /** Absent where the files could not be read: the weights' size must do. */
  readonly shape?: ModelShape | undefined
  readonly engine: EngineDescriptor
  readonly device: Device
  /** On the device, less what the plan has put there already. */
  readonly freeBytes: number
  /** In the system's memory, likewise. */
  readonly hostFreeBytes: number
  /** Decoders: the window that the user wants; absent: the model's, as far as it is sensible. */
  readonly contextTokens?: number | undefined
  /** Decoders: file of a projector of images that is opened beside it. */
  readonly projectorBytes?: number | undefined
  /** Decoders: a model that drafts for it, on the same device. */
  readonly draft?: DecoderShape | undefined
  /** Encoders, and models of whose insides nothing is known: a cache that their server keeps beside the weights. */
  readonly cacheBytes?: number | undefined
  /** Chats at once, each with a window of its own; absent: 1. */
  readonly slots?: number | undefined
}

/**
 * Whether a model fits on a device, and how it is opened so that it does.
 * @returns what it needs there and in the system's memory, what was given up, or in one sentence why it does not fit
 */
export function fit(request: FitRequest): Fit {
  const { task, model, engine } = request
  const places = placesOf(request)
  const footprint = engine.footprint ?? GUESS
  const shape = request.shape ?? unknownShape(model, engine)
  if (shape.kind === 'encoder') {
    const batchTokens = Math.min(ENCODER_BATCH, model.contextTokens)
    return fitEncoder({ places, shape, footprint, batchTokens, cacheBytes: request.cacheBytes ?? 0 })
  }
  const batch = footprint.batchTokens ?? { cpu: ENCODER_BATCH, gpu: ENCODER_BATCH }
  return fitDecoder({
    places,
    shape,
    engine: {
      processBytes: footprint.processBytes,
      batchTokens: places.onCpu ? batch.cpu : batch.gpu,
      projectorBytes: request.projectorBytes,
      draft: request.draft,
    },
    trades: task === 'chat' ? (engine.trades ?? []) : [],
    mostTokens: model.contextTokens,
    contextTokens: request.contextTokens,
    slots: request.slots ?? 1,
  })
}

/** Whether what was found to fit, does so still where less is free now: then nothing better does. */
export function stillFits(
  request: Pick<FitRequest, 'device' | 'freeBytes' | 'hostFreeBytes'>,
  need: MemoryNeed,
) {
  return shortage(placesOf(request), need) === undefined
}

function placesOf({ device, freeBytes, hostFreeBytes }: Parameters<typeof stillFits>[0]): Places {
  const onCpu = device.kind === 'cpu'
  const { othersBytes, limitBytes } = device
  const told = { othersBytes, limitBytes }
  return {
    onCpu,
    shared: sharesMemory(device),
    device: { ...room(freeBytes, deviceMargin, device.memoryBytes), ...told },
    host: onCpu
      ? { ...room(Math.min(freeBytes, hostFreeBytes), hostMargin, device.memoryBytes), ...told }
      : room(hostFreeBytes, hostMargin, undefined),
  }
}

function room(freeBytes: number, margin: (bytes: number) => number, totalBytes: number | undefined): Room {
  return { freeBytes, marginBytes: margin(totalBytes ?? freeBytes), totalBytes }
}

function unknownShape(model: Model, engine: EngineDescriptor): EncoderShape {
  const format = engine.formats.find((each) => model.files[each] !== undefined)
  const files = format ? (model.files[format] ?? []) : []
  const fileBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  return weightsAlone(fileBytes, model.parameters)
}

/** A model of whose insides nothing is known: its weights, and a tenth of them for what comes with them (an estimate). */
export function weightsAlone(fileBytes: number, parameters: number): EncoderShape {
  return {
    kind: 'encoder',
    parameters,
    weightBytes: 1.1 * fileBytes,
    layers: 0,
    hidden: 0,
    feedForward: 0,
    heads: 0,
    weightBits: 32,
  }
}
