import type { Config } from '../config/index.ts'
import {
  type DecoderLoad,
  type Device,
  type MemoryNeed,
  type Model,
  type ModelShape,
  type Placement,
  sameDeviceName,
} from '../domain/index.ts'
import type { LoadSpec } from '../engines/contract.ts'
import { type DiscoveredEngine, serverSettings } from '../engines/index.ts'
import { type Simulation, simulatedWorker } from '../engines/simulated/index.ts'
import { admitVectors } from '../models/index.ts'
import { deviceOf, engineDevice } from '../placement/index.ts'
import type { WorkerOptions } from '../workers/index.ts'

/** A process that has this many times what was planned, and this much beside it, leaks: it is replaced before the system swaps. */
const MEMORY_FACTOR = 3
const MEMORY_SPARE_BYTES = 2 ** 30

export interface WorkerContext {
  readonly model: Model
  readonly devices: readonly Device[]
  /** Engines that are installed apart from Tandem. */
  readonly engines: readonly DiscoveredEngine[]
  /** Compute threads of its worker. */
  readonly threads: number
  readonly chat: Config['chat']
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  readonly shape?: ModelShape | undefined
  /** The machine that is simulated: its engines are stood in for. */
  readonly simulation?: Simulation | undefined
}

/**
 * How the worker of a placement is started, the same for serving and for measuring.
 * @param placement with `load` where the planner chose how a decoder is opened
 * @throws TandemError MODEL_UNSUPPORTED where a simulated machine cannot run it
 */
export function workerOptions(
  placement: Placement & { readonly load?: DecoderLoad; readonly memory?: MemoryNeed },
  { model, devices, engines, threads, chat, home, shape, simulation }: WorkerContext,
): WorkerOptions {
  const { task, engine } = placement
  const found = engines.find((each) => each.engine === engine)
  const device = engineDevice(placement, devices)
  const simulated = simulation && simulatedWorker(simulation, { ...placement, device }, model, shape)
  const { server } = deviceOf(placement, devices) ?? {}
  const as = server?.models.find((each) => each.task === task && each.model === model.id)?.as
  const deviceEnv = found?.devices.find(({ name }) => sameDeviceName(name, device))?.env
  return {
    placement,
    spec: {
      model,
      task,
      device,
      threads,
      ...(found ? { settings: found.settings } : {}),
      ...(as === undefined
        ? {}
        : { settings: serverSettings(server!, as, task === 'chat' ? chat.contextTokens : undefined) }),
      ...(simulated ? { settings: { ...simulated.settings } } : {}),
      ...(task === 'chat' ? decoderSpec(model, chat, placement.load) : {}),
    },
    // a chat's pieces are small and each is waited for; vectors are large, and may be
    ...(as !== undefined && !server?.launch && !simulated
      ? { runsIn: task === 'chat' ? 'here' : 'thread' }
      : {}),
    // how much a server of ours takes is not known
    ...(placement.memory && !simulated && !server?.launch
      ? { memoryLimitBytes: memoryLimit(placement.memory) }
      : {}),
    ...(found ? { env: { ...found.env, ...deviceEnv } } : {}),
    ...(simulated ? { modulePath: simulated.modulePath } : {}),
    ...(task === 'embed'
      ? {
          admit: (embed) =>
            admitVectors({ model, home, placement: `${engine} on ${placement.device}` }, embed),
        }
      : {}),
  }
}

/** What is on a device counts too: that of an integrated or software one lies in the process's own memory. */
function memoryLimit({ hostBytes, deviceBytes }: MemoryNeed): number {
  return MEMORY_FACTOR * (hostBytes + deviceBytes) + MEMORY_SPARE_BYTES
}

/** The configuration's window and slots, or what the planner made of them so that the model fits. */
function decoderSpec(model: Model, chat: Config['chat'], load: DecoderLoad | undefined): Partial<LoadSpec> {
  if (!load)
    return {
      contextTokens: Math.min(chat.contextTokens ?? model.contextTokens, model.contextTokens),
      slots: chat.slots,
    }
  const { contextTokens, slots, kvType, gpuLayers, cpuExpertLayers } = load
  return {
    contextTokens,
    slots,
    kvType,
    gpuLayers,
    ...(cpuExpertLayers > 0 ? { cpuExpertLayers } : {}),
  }
}
