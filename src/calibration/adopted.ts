/** Adopted servers as the planner sees them: each a device of its own, and its models beside those of the catalogue. */
import type {
  Device,
  DeviceKind,
  Model,
  ServedModel,
  ServerDevice,
  ServerModel,
  Task,
} from '../domain/index.ts'
import { TASKS } from '../domain/index.ts'
import type { FoundServer } from '../engines/index.ts'
import { plainName, remoteModel, sameModel } from '../models/index.ts'

export interface Adopted {
  readonly devices: readonly Device[]
  /** Models that only servers have; ids are free in the catalogue. */
  readonly models: readonly Model[]
  /** Ids of models of the catalogue that a server reads pictures with. */
  readonly withImages: ReadonlySet<string>
}

/**
 * @param catalogue models of files that are here
 * @param here the machine's own devices
 * @param home folder of everything that Tandem keeps
 */
export async function adopt(
  servers: readonly FoundServer[],
  catalogue: readonly Model[],
  here: readonly Device[],
  home: string,
): Promise<Adopted> {
  const taken = new Set(catalogue.map(({ id }) => id))
  const models: Model[] = []
  const devices: Device[] = []
  const withImages = new Set<string>()
  for (const server of servers) {
    const served: ServedModel[] = []
    for (const model of server.models) {
      const own: Task[] = []
      for (const task of TASKS.filter((each) => model.tasks.includes(each))) {
        const same = await sameModel(model, task, catalogue)
        if (same) {
          served.push({ task, model: same.id, as: model.name })
          if (task === 'chat' && model.images) withImages.add(same.id)
        } else own.push(task)
      }
      if (own.length === 0) continue
      const id = freeId(server, model, taken)
      if (id === undefined) continue
      taken.add(id)
      models.push(remoteModel(model, own, { server, id, home }))
      served.push(...own.map((task) => ({ task, model: id, as: model.name })))
    }
    devices.push(deviceOfServer(server, served, here))
  }
  return { devices, models, withImages }
}

/** The server's own name of a model where it is free, else with the server's name before it; undefined: it lists it twice. */
function freeId(server: FoundServer, { name }: ServerModel, taken: ReadonlySet<string>): string | undefined {
  const plain = plainName(name)
  return [plain, `${server.name}/${plain}`].find((id) => !taken.has(id))
}

function deviceOfServer(
  { models: _, answered: __, device, ...server }: FoundServer,
  served: readonly ServedModel[],
  here: readonly Device[],
): Device {
  const { kind, told, why } = device ?? inferred(server.local, here)
  return {
    id: `server:${server.name}`,
    kind,
    name: `${server.name} (${kind}, ${told ? 'as it says' : 'inferred'}: ${why})`,
    engines: { openai: server.name },
    simulated: false,
    server: { ...server, models: served },
  }
}

/** What a server most likely computes on, where it does not say. */
function inferred(local: boolean, here: readonly Device[]): ServerDevice {
  if (!local) return { kind: 'dgpu', told: false, why: 'servers elsewhere run on GPUs as a rule' }
  const kinds: readonly DeviceKind[] = ['dgpu', 'igpu']
  const kind = kinds.find((each) => here.some((device) => device.kind === each && !device.software))
  return kind
    ? { kind, told: false, why: 'servers use the GPU of a machine where they can' }
    : { kind: 'cpu', told: false, why: 'this machine has no GPU' }
}
