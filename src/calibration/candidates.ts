import type { Config } from '../config/index.ts'
import { type Device, type Model, type PlacementRef, sameRef, type Task } from '../domain/index.ts'
import { type DiscoveredEngine, ENGINES } from '../engines/index.ts'
import { shareThreads, usesCpu } from '../placement/index.ts'
import type { Pair } from './cache/store.ts'
import type { Candidate } from './measure/candidate.ts'
import { workerOptions } from './worker-options.ts'

/** What is on this machine. */
export interface Machine {
  readonly config: Pick<Config, 'chat' | 'cpu'>
  readonly home: string
  readonly devices: readonly Device[]
  readonly engines: readonly DiscoveredEngine[]
  /** The model of each task. */
  readonly models: Readonly<Partial<Record<Task, Model>>>
}

/** Every engine on every device that it knows, for each task whose model it reads. */
export function candidatesOf({ config, home, devices, engines, models }: Machine): Candidate[] {
  const placements = (Object.entries(models) as [Task, Model][]).flatMap(([task, model]) =>
    cpuFirst(devices).flatMap((device) =>
      ENGINES.filter(
        (engine) =>
          engine.tasks.includes(task) &&
          engine.devices.includes(device.kind) &&
          device.engines[engine.id] !== undefined &&
          engine.formats.some((format) => model.files[format] !== undefined),
      ).map((engine) => ({
        model,
        placement: {
          task,
          model: model.id,
          engine: engine.id,
          device: device.id,
          kind: device.kind,
          simulated: device.simulated,
        },
      })),
    ),
  )
  const cores = devices.find((device) => device.id === 'cpu')?.cores ?? 1
  const onCpu = placements.map(({ placement }) => placement).filter(usesCpu)
  const tasks = [...new Set(onCpu.map(({ task }) => task))]
  const threads = shareThreads(tasks, { cores, reserveCores: config.cpu.reserveCores })
  return placements.map(({ model, placement }) => ({
    placement,
    options: workerOptions(placement, {
      model,
      devices,
      engines,
      threads: threads[placement.task] ?? 1,
      chat: config.chat,
      home,
    }),
  }))
}

/** Where a model has no reference vectors, the first engine makes them: the CPU's are the most exact. */
function cpuFirst(devices: readonly Device[]): readonly Device[] {
  return [...devices].sort((a, b) => Number(b.kind === 'cpu') - Number(a.kind === 'cpu'))
}

/** Every two of the placements that run at the same time. */
export function pairsOf(candidates: readonly Candidate[], together: readonly PlacementRef[]): Pair[] {
  const chosen = candidates.filter(({ placement }) => together.some((ref) => sameRef(ref, placement)))
  return chosen.flatMap((first, index) => chosen.slice(index + 1).map((second): Pair => [first, second]))
}
