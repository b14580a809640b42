/** Looks again and again whether the server lives and tells the truth about itself. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { STANDBY_NAME } from '../../src/workers/wire.ts'
import { isRunning, workersOf } from '../processes.ts'
import { type ServerStatus, statusOf } from '../support/api.ts'
import { reason } from './client.ts'
import type { Tally } from './tally.ts'

const EVERY_MS = 250
/** Looks in a row in which a worker that is said to answer may be dead: news travel. */
const LATE_LOOKS = 4

/**
 * Until `signal` ends it.
 * @param onGone called once when the server's process has ended: nothing after it means anything
 */
export async function watchServer(
  server: { readonly url: string; readonly pid: number },
  tally: Tally,
  signal: AbortSignal,
  onGone: () => void,
): Promise<void> {
  const deadLooks = new Map<string, number>()
  while (!signal.aborted) {
    if (!isRunning(server.pid)) {
      tally.fail('the server process is gone')
      return onGone()
    }
    try {
      const response = await fetch(`${server.url}/health`)
      const { status } = (await response.json()) as { status?: string }
      if (response.status !== 200 || status !== 'ok')
        tally.fail(`/health says ${response.status} ${status} while every task was answered before`)
      const { workers } = await statusOf(server)
      for (const { id, pid, state } of workers) {
        const claims = state === 'ready' || state === 'busy'
        const looks = claims && (pid === undefined || !isRunning(pid)) ? (deadLooks.get(id) ?? 0) + 1 : 0
        deadLooks.set(id, looks)
        if (looks === LATE_LOOKS) tally.fail(`status says ${id} is ${state}, but process ${pid} is dead`)
      }
    } catch (thrown) {
      tally.fail(`the server does not answer: ${reason(thrown)}`)
    }
    await sleep(EVERY_MS)
  }
}

/** What is wrong with the processes once all has calmed down: strangers, dead ones, or a worker that is not ready. */
export async function wrongProcesses(server: {
  readonly url: string
  readonly pid: number
}): Promise<string[]> {
  const { workers }: ServerStatus = await statusOf(server)
  const wrong: string[] = []
  const known = new Set(workers.map(({ pid }) => pid))
  for (const { id, state, pid, error } of workers)
    if ((state !== 'ready' && state !== 'busy') || pid === undefined || !isRunning(pid))
      wrong.push(`${id} is ${state}, process ${pid} ${error ?? ''}`)
  for (const pid of workersOf(server.pid))
    if (!known.has(pid) && !standsBy(pid)) wrong.push(`process ${pid} belongs to no worker`)
  return wrong
}

/** A process that the server keeps for a worker to come says so in its title. */
function standsBy(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(STANDBY_NAME)
  } catch {
    return true // it has ended meanwhile
  }
}
