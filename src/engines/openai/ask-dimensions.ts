import type { ServerModel } from '../../domain/index.ts'
import { openClient } from './client.ts'
import type { FoundServer } from './discover.ts'
import { embedRows } from './encoder.ts'
import { softwareOf } from './servers/index.ts'

/** It may load the model for it. */
const ASK_MS = 60_000

/**
 * How many dimensions the vectors of a server's model have, by embedding one text: it loads the model, so only for one that the user
 * named.
 * @throws TandemError ENGINE_FAILED and others of the client; the signal's reason
 */
export async function askDimensions(
  server: FoundServer,
  { name }: Pick<ServerModel, 'name'>,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<number> {
  const client = await openClient({ server, as: name }, env, signal)
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), ASK_MS)
  try {
    const { api } = softwareOf(server.kind)
    const both = AbortSignal.any([signal, late.signal])
    const { rows } = await embedRows({ client, as: name, api }, ['dimensions'], both)
    return rows[0]!.length
  } catch (thrown) {
    if (late.signal.aborted) throw client.failed(`no vector within ${ASK_MS / 1000} s`, thrown)
    throw thrown
  } finally {
    clearTimeout(timer)
    client.dispose()
  }
}
