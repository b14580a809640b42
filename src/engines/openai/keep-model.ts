import type { ServerClient } from './client.ts'
import { type Order, softwareOf } from './servers/index.ts'
import type { ServerSettings } from './settings.ts'

/** A worker that ends has little time. */
const UNLOAD_MS = 1_500

export interface KeepOptions {
  /** By then it is loaded, or that has failed. */
  readonly endsMs: number
  readonly onOutput: (line: string) => void
}

/**
 * Where its user lets Tandem manage a server: loads the model there.
 * @returns unloads it again, unless somebody else had loaded it; does nothing where Tandem may not
 * @throws TandemError ENGINE_FAILED
 */
export async function keepModel(
  { server, as, contextWish }: ServerSettings,
  client: ServerClient,
  { endsMs, onOutput }: KeepOptions,
): Promise<() => Promise<void>> {
  const { keeper } = softwareOf(server.kind)
  if (!server.manage || !keeper) return () => Promise.resolve()
  const loadedAs = await keeper.load(orderOf(client, endsMs), as, contextWish)
  return async () => {
    if (loadedAs === undefined) return
    try {
      await keeper.unload(orderOf(client, performance.now() + UNLOAD_MS), loadedAs)
    } catch (thrown) {
      // it was unloaded already, or the server is gone: either way there is nothing left to do
      onOutput(`${client.name}: ${loadedAs} was not unloaded: ${(thrown as Error).message}`)
    }
  }
}

function orderOf(client: ServerClient, endsMs: number): Order {
  const { signal } = new AbortController()
  const bounds = () => ({ signal, headMs: Math.max(1, endsMs - performance.now()) })
  return {
    endsMs,
    get: (path, schema) => client.json(path, schema, bounds()),
    post: (path, body, schema) => client.json(path, schema, { body, ...bounds() }),
  }
}
