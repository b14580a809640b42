/** The model of a server that the user chose for the index: an index needs to know how long its vectors are. */
import type { ServerModel } from '../domain/index.ts'
import type { FoundServer } from '../engines/index.ts'
import { plainName } from '../models/index.ts'

export interface IndexModelInput {
  /** `models.embed`; absent: no model of a server was named. */
  readonly wanted: string | undefined
  /** Of an earlier look: what was asked once is not asked again. */
  readonly known: readonly FoundServer[]
  readonly ask: (server: FoundServer, model: ServerModel) => Promise<number>
  readonly warn: (message: string) => void
}

/** @returns the servers, with the dimensions of that model where its server does not tell them */
export function withIndexModel(
  servers: readonly FoundServer[],
  { wanted, known, ask, warn }: IndexModelInput,
): Promise<FoundServer[]> {
  const encoders = servers.flatMap((server) =>
    server.models.flatMap((model) => (model.tasks.includes('embed') ? [{ server, model }] : [])),
  )
  // where several have one of that name, the first is meant
  const chosen = [
    ...encoders.filter(({ server, model }) => `${server.name}/${plainName(model.name)}` === wanted),
    ...encoders.filter(({ model }) => plainName(model.name) === wanted),
  ][0]?.model
  const asked = async (server: FoundServer, model: ServerModel): Promise<ServerModel> => {
    if (model !== chosen || model.dimensions !== undefined) return model
    const before = known.find(({ name }) => name === server.name)
    const told = before?.models.find(({ name }) => name === model.name)?.dimensions
    if (told !== undefined) return { ...model, dimensions: told }
    if (server.launch) {
      warn(`models.embed: ${wanted} has no hidden_size in its config.json, which an index needs`)
      return model
    }
    try {
      return { ...model, dimensions: await ask(server, model) }
    } catch (thrown) {
      warn(`models.embed: ${wanted} tells no dimensions of its vectors: ${(thrown as Error).message}`)
      return model
    }
  }
  return Promise.all(
    servers.map(async (server) => ({
      ...server,
      models: await Promise.all(server.models.map((model) => asked(server, model))),
    })),
  )
}
