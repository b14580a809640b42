/** Injects planned faults one after the other and waits for each to be overcome. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning } from '../processes.ts'
import { statusOf } from '../support/api.ts'
import { reason } from './client.ts'
import type { Planned } from './faults.ts'
import { recoveryMs } from './recovery.ts'
import type { Tally } from './tally.ts'
import { servingWorker, type World } from './world.ts'

/** Milliseconds in which a task must answer again, and in which its worker must be another process. */
const BACK_MS = 240_000
const POLL_MS = 20

export interface Happened {
  readonly fault: string
  readonly task: string
  readonly pid: number
  /** To the first answer of a request that was sent after the fault. */
  readonly recoveryMs: number | undefined
  /** To another ready process in its place, where the fault demands one. */
  readonly replacedMs: number | undefined
  readonly state: string
}

export async function injectAll(
  world: World,
  planned: readonly Planned[],
  tally: Tally,
  pauseMs: () => number,
  signal: AbortSignal,
  onHappened: (happened: Happened) => void,
): Promise<void> {
  for (const each of planned) {
    if (signal.aborted) return
    try {
      await sleep(pauseMs(), undefined, { signal })
      onHappened(await injectOne(world, each, tally, signal))
    } catch (thrown) {
      if (signal.aborted) return
      tally.fail(`${each.fault.name} of ${each.task ?? 'the server'}: ${reason(thrown)}`)
    }
  }
}

async function injectOne(
  world: World,
  { fault, task }: Planned,
  tally: Tally,
  signal: AbortSignal,
): Promise<Happened> {
  const { server } = world
  if (task === undefined) {
    await fault.inject(world, server.pid)
    const recovered = await recoveryMs(server, 'embed', BACK_MS, signal)
    if (recovered === undefined) tally.fail(`${fault.name}: no embedding within ${BACK_MS} ms after it`)
    return {
      fault: fault.name,
      task: 'server',
      pid: server.pid,
      recoveryMs: recovered,
      replacedMs: undefined,
      state: 'ok',
    }
  }
  const worker = await until(() => servingWorker(server, task), signal)
  const pid = worker?.pid
  if (!worker || pid === undefined) throw new Error(`no worker serves ${task}`)
  const startedMs = performance.now()
  const injected = fault.inject(world, pid)
  const [recovered, replacedMs] = await Promise.all([
    recoveryMs(server, task, BACK_MS, signal),
    fault.replaces ? replaced(world, worker.id, pid, startedMs, signal) : undefined,
    injected,
  ])
  const what = `${fault.name} of ${worker.id} (process ${pid})`
  signal.throwIfAborted()
  if (recovered === undefined) tally.fail(`${what}: no answer within ${BACK_MS} ms`)
  if (fault.replaces && replacedMs === undefined) {
    const now = (await statusOf(server)).workers.find(({ id }) => id === worker.id)
    tally.fail(
      `${what}: not replaced within ${BACK_MS} ms; it is ${now?.state}, process ${now?.pid}: ${now?.error ?? ''}`,
    )
    if (isRunning(pid)) process.kill(pid, 'SIGKILL') // what follows needs a worker
  }
  const state = (await statusOf(server)).workers.find(({ id }) => id === worker.id)?.state ?? 'gone'
  return { fault: fault.name, task, pid, recoveryMs: recovered, replacedMs, state }
}

async function replaced(
  { server }: World,
  id: string,
  pid: number,
  startedMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const back = await until(async () => {
    const worker = (await statusOf(server)).workers.find((each) => each.id === id)
    const answers = worker?.state === 'ready' || worker?.state === 'busy'
    return answers && worker.pid !== undefined && worker.pid !== pid && !isRunning(pid) ? true : undefined
  }, signal)
  return back ? performance.now() - startedMs : undefined
}

async function until<T>(look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T | undefined> {
  const startedMs = performance.now()
  while (!signal.aborted && performance.now() - startedMs < BACK_MS) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(POLL_MS)
  }
  return undefined
}
