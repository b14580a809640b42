/** A simulated machine as the server runs on it: its home, its models, and what its workers get. */
import { join } from 'node:path'
import { builtEntry, type Config } from '../../config/index.ts'
import {
  type Fault,
  keepsBeside,
  parseFaults,
  type SimulatedMachine,
  simulatedMachine,
  simulatedTiming,
} from '../../devices/simulated/index.ts'
import {
  type Model,
  type ModelShape,
  type PlacementRef,
  sameDeviceName,
  TASKS,
  TandemError,
} from '../../domain/index.ts'
import { admitVectors, type Catalogue } from '../../models/index.ts'
import { textVector } from './features.ts'
import type { SimulatedSettings } from './settings.ts'

/** Of the vectors: another way to make them gets another number, so that an old index is made anew. */
const VECTORS = 1

export interface Simulation {
  readonly machine: SimulatedMachine
  /** Absolute folder for all that a server on this machine keeps: nothing real is in it. */
  readonly home: string
  readonly faults: ReadonlyMap<string, Fault>
  readonly speedUp: number
}

/**
 * The machine that the configuration asks to simulate; undefined where it asks for none.
 * @param home folder of everything that Tandem keeps
 * @throws TandemError CONFIG_INVALID for a fault that does not fit
 */
export function openSimulation({ simulate }: Pick<Config, 'simulate'>, home: string): Simulation | undefined {
  if (simulate.machine === undefined) return undefined
  const machine = simulatedMachine(simulate.machine)
  return {
    machine,
    home: join(home, 'simulated', machine.id),
    faults: parseFaults(machine, simulate.faults),
    speedUp: simulate.speedUp,
  }
}

/** The models that people run on such a machine before those that are here. */
export function simulatedCatalogue({ machine }: Simulation, real: Catalogue): Catalogue {
  const own = machine.models.map(({ model }) => model)
  const get = (id: string) => own.find((model) => model.id === id) ?? real.get(id)
  return { get, find: (id) => get(id) ?? real.find(id), list: () => [...own, ...real.list()] }
}

/** A model as the simulator serves it: of another fingerprint, for its vectors must never enter a real index. */
export function asSimulated(model: Model, { home }: Simulation): Model {
  if (model.fingerprint.startsWith('simulated-')) return model
  return {
    ...model,
    title: `${model.title} (simulated)`,
    fingerprint: `simulated-${VECTORS}-${model.fingerprint}`,
    folder: join(home, 'models', model.id),
  }
}

/** The sizes of a model that only exists in the profile. */
export function simulatedShape({ machine }: Simulation, model: Model): ModelShape | undefined {
  return machine.models.find((each) => each.model.id === model.id)?.shape
}

/** Keeps the vectors that every simulated device must reproduce, so that a faulty one cannot set them. */
export async function keepReferences(model: Model, { home }: Simulation): Promise<void> {
  const { embedding } = model
  if (!embedding) return
  const { dimensions } = embedding
  await admitVectors({ model, home, placement: 'the simulator' }, async (texts) => {
    const vectors = new Float32Array(texts.length * dimensions)
    for (const [at, text] of texts.entries()) vectors.set(textVector(text, dimensions), at * dimensions)
    return { vectors, dimensions, tokens: texts.map(() => 1), truncated: [] }
  })
}

/**
 * What the worker of a placement gets instead of its engine.
 * @param placement its device by id, or by the engine's own name of it
 * @param shape of a model whose files were read; absent: what the profile knows of it
 * @throws TandemError MODEL_UNSUPPORTED where the machine cannot run it: a virtual device, say
 */
export function simulatedWorker(
  simulation: Simulation,
  { task, engine, device: asked }: PlacementRef,
  model: Model,
  shape: ModelShape | undefined = simulatedShape(simulation, model),
): { readonly modulePath: string; readonly settings: SimulatedSettings } {
  const { machine, home, faults, speedUp } = simulation
  const found = machine.devices.find((each) =>
    [each.device.id, each.device.engines[engine] ?? each.device.id].some((name) =>
      sameDeviceName(name, asked),
    ),
  )
  const device = found?.device.id ?? asked
  const timing = simulatedTiming(machine, { task, model, engine, device, ...(shape ? { shape } : {}) })
  const devices = machine.devices.map((each) => each.device.id)
  if (!timing) {
    const why = `the simulated ${machine.id} runs it on no such device, and simulates no virtual ones`
    throw new TandemError('MODEL_UNSUPPORTED', { engine, model: model.id, device, why })
  }
  const fault = faults.get(device)
  return {
    modulePath: builtEntry('engines/simulated/child'),
    settings: {
      machine: machine.id,
      device,
      engine,
      timing,
      speedUp,
      ...(fault ? { fault } : {}),
      board: {
        file: join(home, 'board'),
        device: devices.indexOf(device),
        seat: TASKS.indexOf(task),
        seats: TASKS.length,
        keeps: devices.map((other) => keepsBeside(machine, device, other)),
      },
    },
  }
}
