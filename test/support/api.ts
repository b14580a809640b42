/** What the end-to-end tests ask of a server, and how they wait for it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineId, ProjectStatus, SearchHit, Task, WorkerStatus } from '../../src/domain/index.ts'

export const CHAT = 'tandem-tiny-chat'
export const EMBED = 'tandem-embed-small'

export interface ServerStatus {
  readonly workers: readonly WorkerStatus[]
  readonly projects: readonly ProjectStatus[]
}

export async function statusOf({ url }: { url: string }): Promise<ServerStatus> {
  return (await (await fetch(`${url}/tandem/v1/status`)).json()) as ServerStatus
}

export function post(
  { url }: { url: string },
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** @throws Error with the answer when it is not 200 */
export async function search(server: { url: string }, query: string, limit = 20): Promise<SearchHit[]> {
  const response = await post(server, '/tandem/v1/search', { query, limit, explain: true })
  if (response.status !== 200) throw new Error(`search: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { results: SearchHit[] }).results
}

export function embed(server: { url: string }, input: unknown, priority?: 'interactive' | 'bulk') {
  const headers: Record<string, string> = priority ? { 'x-tandem-priority': priority } : {}
  return post(server, '/v1/embeddings', { model: EMBED, input }, headers)
}

/** Requests that wait or are at a worker; one that does both counts twice. */
export async function requestsOf(
  { url }: { url: string },
  task: Task,
  priority: 'interactive' | 'bulk',
): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
  const own = lines.filter(
    (line) =>
      line.startsWith('tandem_queue_requests{') &&
      line.includes(`task="${task}"`) &&
      line.includes(`priority="${priority}"`),
  )
  return own.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** Waits until the only project is up to date. @throws Error when it failed */
export async function indexed(server: { url: string }): Promise<ProjectStatus> {
  let last: ProjectStatus | undefined
  await until(async () => {
    last = (await statusOf(server)).projects[0]
    if (last?.state === 'failed') throw new Error(last.error)
    return last?.state === 'ready'
  }, 'the index')
  return last!
}

/** Waits until the engine's worker of a task answers. @throws Error with its reason when it stopped for good */
export async function engineReady(
  server: { url: string },
  engine: EngineId,
  task: Task = 'embed',
): Promise<WorkerStatus> {
  let found: WorkerStatus | undefined
  await until(async () => {
    const { workers } = await statusOf(server)
    found = workers.find((worker) => worker.engine === engine && worker.task === task)
    if (found?.state === 'stopped') throw new Error(found.error)
    return found?.state === 'ready' || found?.state === 'busy'
  }, `${task} by ${engine}`)
  return found!
}

/** Ends a wait in vain: ten times what the slowest one has been seen to take. */
const LIMIT_MS = 240_000

/** Waits until a task's first worker answers. @returns its process */
export async function pidOf(server: { url: string }, task: Task): Promise<number> {
  let pid: number | undefined
  await until(async () => {
    const first = (await statusOf(server)).workers.find((worker) => worker.task === task)
    pid = first?.state === 'ready' || first?.state === 'busy' ? first.pid : undefined
    return pid !== undefined
  }, `the worker of ${task}`)
  return pid!
}

/** @returns milliseconds until the check held. @throws Error when it does not in time */
export async function until(
  check: () => boolean | Promise<boolean>,
  what: string,
  limitMs = LIMIT_MS,
): Promise<number> {
  const startedMs = performance.now()
  while (!(await check())) {
    if (performance.now() - startedMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`)
    await sleep(10)
  }
  return performance.now() - startedMs
}

/** Events of one kind, from now on, until the signal. */
export async function listen<T>(
  { url }: { url: string },
  type: string,
  signal: AbortSignal,
): Promise<{ readonly heard: readonly T[]; readonly reading: Promise<void> }> {
  const heard: T[] = []
  const response = await fetch(`${url}/tandem/v1/events`, { signal })
  const reading = (async () => {
    let rest = ''
    let name = ''
    const decoder = new TextDecoder()
    for await (const bytes of response.body!) {
      const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (line.startsWith('event: ')) name = line.slice('event: '.length)
        if (line.startsWith('data: ') && name === type) heard.push(JSON.parse(line.slice('data: '.length)))
      }
    }
  })().catch(() => {})
  return { heard, reading }
}
