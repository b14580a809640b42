/** Adopted servers as the planner sees them: each a device of its own, and its models beside those of the catalogue. */

import type { PortUsers } from '../devices/index.ts'
import type {
  Device,
  DeviceKind,
  Model,
  ServedModel,
  ServerDevice,
  ServerModel,
  Task,
} from '../domain/index.ts'
import { sameDeviceName, TASKS } from '../domain/index.ts'
import { type FoundServer, portOf } from '../engines/index.ts'
import { plainName, remoteModel, sameModel } from '../models/index.ts'

export interface Adopted {
  readonly devices: readonly Device[]
  /** Models that only servers have; ids are free in the catalogue. */
  readonly models: readonly Model[]
  /** Ids of models of the catalogue that a server reads pictures with. */
  readonly withImages: ReadonlySet<string>
}

export interface AdoptInput {
  /** Models of files that are here. */
  readonly catalogue: readonly Model[]
  /** The machine's own devices. */
  readonly here: readonly Device[]
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  /** What the process behind a port of this machine works with; undefined: nobody tells. */
  readonly usersOf: (port: number) => Promise<PortUsers | undefined>
}

export async function adopt(
  servers: readonly FoundServer[],
  { catalogue, here, home, usersOf }: AdoptInput,
): Promise<Adopted> {
  const users = await Promise.all(
    servers.map(({ local, url, device, launch }) =>
      local && !launch && !device?.told ? usersOf(portOf(url)) : Promise.resolve(undefined),
    ),
  )
  const taken = new Set(catalogue.map(({ id }) => id))
  const models: Model[] = []
  const devices: Device[] = []
  const withImages = new Set<string>()
  for (const [at, server] of servers.entries()) {
    const served: ServedModel[] = []
    for (const model of server.models) {
      const own: Task[] = []
      let copyOf: Model | undefined
      for (const task of TASKS.filter((each) => model.tasks.includes(each))) {
        const same = await sameModel(model, task, catalogue)
        // one that only has its name may be refused for its vectors, and is asked by the server's name then
        if (same?.by !== 'file' || model.byName) own.push(task)
        if (same?.by === 'file' && task === 'chat') copyOf = same.model
        // standing in for ours must not make the server load it
        if (same && (model.loaded !== false || server.manage)) {
          served.push(as(task, same.model.id, model))
          if (task === 'chat' && model.images) withImages.add(same.model.id)
        }
      }
      if (own.length === 0) continue
      const id = freeId(server, model, taken)
      if (id === undefined) continue
      taken.add(id)
      // by whichever name it is asked for, an answer of the same file goes on from the file here
      models.push(copyOf ? { ...copyOf, id } : remoteModel(model, own, { server, id, home }))
      served.push(...own.map((task) => as(task, id, model)))
    }
    devices.push(
      deviceOfServer(
        server,
        served,
        seenDevice(server, users[at], here) ?? named(server.on, here) ?? guessed(server, here),
        here,
      ),
    )
  }
  return { devices, models, withImages }
}

function as(task: Task, model: string, { name, loaded }: ServerModel): ServedModel {
  return { task, model, as: name, ...(loaded === undefined ? {} : { loaded }) }
}

/** The server's own name of a model where it is free, else with the server's name before it; undefined: it lists it twice. */
function freeId(server: FoundServer, { name }: ServerModel, taken: ReadonlySet<string>): string | undefined {
  const plain = plainName(name)
  return [plain, `${server.name}/${plain}`].find((id) => !taken.has(id))
}

function deviceOfServer(
  { models: _, answered: __, device: ___, on, weightBytes, cacheBytes, ...server }: FoundServer,
  served: readonly ServedModel[],
  { kind, told, why }: ServerDevice,
  here: readonly Device[],
): Device {
  const device = deviceNamed(on, here)?.id
  const cache = cacheBytes === undefined ? {} : { cacheBytes }
  const holds = device !== undefined && weightBytes !== undefined && { device, weightBytes, ...cache }
  return {
    id: `server:${server.name}`,
    kind,
    name: `${server.name} (${kind}, ${told ? 'as it says' : 'inferred'}: ${why})`,
    engines: { openai: server.name },
    simulated: false,
    server: { ...server, ...(holds ? { holds } : {}), models: served },
  }
}

/** The device of this machine that OpenVINO calls so; without OpenVINO here, what can only be one. */
function deviceNamed(on: string | undefined, here: readonly Device[]): Device | undefined {
  if (on === undefined) return undefined
  const named = here.find(
    ({ engines }) => engines.openvino !== undefined && sameDeviceName(engines.openvino, on),
  )
  const [only, ...others] = here.filter(({ kind }) => kind === on.toLowerCase())
  return named ?? (others.length === 0 ? only : undefined)
}

function named(on: string | undefined, here: readonly Device[]): ServerDevice | undefined {
  const device = deviceNamed(on, here)
  return device && { kind: device.kind, told: true, why: `it was told to use ${on}, which is ${device.id}` }
}

/** What it says itself, else what its process was seen to work with; undefined: neither tells. */
function seenDevice(
  { device, models }: FoundServer,
  users: PortUsers | undefined,
  here: readonly Device[],
): ServerDevice | undefined {
  if (device?.told || !users) return device
  const { pid, uses } = users
  for (const { pciAddress, luid, memoryBytes, untold } of uses) {
    const on = here.find(
      (each) =>
        (pciAddress !== undefined && each.pciAddress === pciAddress) ||
        (luid !== undefined && each.luid === luid),
    )
    if (!on) continue
    const holds = untold ? `has ${on.id} open` : `holds ${gib(memoryBytes)} GiB on ${on.id}`
    return { kind: on.kind, told: false, why: `its process ${pid} ${holds}` }
  }
  // before it has loaded something it may have nothing open
  if (uses.length > 0 || !models.some(({ loaded }) => loaded)) return device
  return { kind: 'cpu', told: false, why: `its process ${pid} has no GPU or NPU open` }
}

/** What a server most likely computes on, where nothing tells. */
function guessed({ local }: FoundServer, here: readonly Device[]): ServerDevice {
  if (!local) return { kind: 'dgpu', told: false, why: 'servers elsewhere run on GPUs as a rule' }
  const kinds: readonly DeviceKind[] = ['dgpu', 'igpu']
  const kind = kinds.find((each) => here.some((device) => device.kind === each && !device.software))
  return kind
    ? { kind, told: false, why: 'servers use the GPU of a machine where they can' }
    : { kind: 'cpu', told: false, why: 'this machine has no GPU' }
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1)
}
