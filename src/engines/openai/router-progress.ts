import { z } from 'zod'
import type { OnLoadProgress } from '../contract.ts'
import type { ServerClient } from './client.ts'
import { LoadStages, shareOf } from './load-stages.ts'

const Loading = z.object({
  model: z.string(),
  data: z.object({ status: z.literal('loading'), progress: LoadStages }),
})

/**
 * Listens to a router of llama-server for how far it has loaded a model (its README, "GET /models/sse"). A server that is none, or
 * an older one, tells nothing: then nothing is heard.
 * @returns ends it
 */
export function watchRouter(client: ServerClient, model: string, onProgress: OnLoadProgress): () => void {
  const ended = new AbortController()
  const take = (event: unknown) => {
    const { data: said } = Loading.safeParse(event)
    const share = said?.model === model ? shareOf(said.data.progress) : undefined
    if (share !== undefined) onProgress(share)
    return false
  }
  client.stream('/models/sse', z.unknown(), undefined, ended.signal, take).catch(() => {})
  return () => ended.abort()
}
