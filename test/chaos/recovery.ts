/** How long a client waits for a task after a fault. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Task } from '../../src/domain/index.ts'
import { CHAT, EMBED } from '../support/api.ts'
import { ask } from './client.ts'

const EVERY_MS = 20
/** Probes on their way at once: more would only queue behind each other. */
const MOST = 8

const PROBES: Readonly<Record<Task, { readonly path: string; readonly body: unknown }>> = {
  embed: { path: '/v1/embeddings', body: { model: EMBED, input: 'is it back?' } },
  chat: {
    path: '/v1/chat/completions',
    body: { model: CHAT, messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 },
  },
  rerank: { path: '/v1/rerank', body: { query: 'is it back?', documents: ['yes', 'no'] } },
  classify: { path: '/tandem/v1/classify', body: { input: 'is it back?' } },
}

/**
 * Asks every 20 ms until one of the requests that were sent since now is answered.
 * @returns milliseconds from now to that answer; undefined: none within `limitMs`
 */
export async function recoveryMs(
  server: { url: string },
  task: Task,
  limitMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { path, body } = PROBES[task]
  const startedMs = performance.now()
  let answeredMs: number | undefined
  let onTheirWay = 0
  const probe = async () => {
    onTheirWay += 1
    const { status } = await ask(server, path, body)
    if (status === 200) answeredMs ??= performance.now() - startedMs
    onTheirWay -= 1
  }
  while (answeredMs === undefined && !signal.aborted && performance.now() - startedMs < limitMs) {
    if (onTheirWay < MOST) void probe()
    await sleep(EVERY_MS)
  }
  return answeredMs
}
