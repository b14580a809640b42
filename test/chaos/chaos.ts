/** Faults on real workers under mixed traffic, on an index that is edited meanwhile. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning } from '../processes.ts'
import { indexed, statusOf } from '../support/api.ts'
import { random } from '../support/made-up-tree.ts'
import { readIndex } from '../support/read-index.ts'
import { startTestServer } from '../support/server.ts'
import { reason } from './client.ts'
import { schedule } from './faults.ts'
import { type Happened, injectAll } from './injector.ts'
import type { Report, Row } from './report.ts'
import { caughtUp, indexDifferences, keepEditing } from './same-index.ts'
import { median } from './slope.ts'
import { Tally } from './tally.ts'
import { drive, EMBEDDINGS, REQUEST_KINDS, STREAM_KINDS } from './traffic.ts'
import { learnTruth } from './truth.ts'
import { watchServer, wrongProcesses } from './watch.ts'
import { makeWorld, type World } from './world.ts'

/** The bound for a kill, milliseconds. */
const RECOVERY_MS = 500
/** Given to the last restart to be over. */
const CALM_MS = 150_000
/** What a server must never write. */
const BUGS = /unhandled|uncaught|TypeError|ReferenceError|Tandem failed/i

export interface ChaosOptions {
  readonly seed: number
  readonly requests: number
  readonly streams: number
  /** Kills of each task's worker, and how often each other fault is made on each of its tasks. */
  readonly kills: number
  readonly each: number
  /** Milliseconds between two faults: at least, and at most so much more. */
  readonly pauseMs: readonly [number, number]
  readonly only?: string | undefined
}

/** @param say one line of progress */
export async function runChaos(
  options: ChaosOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const tally = new Tally()
  const world = await makeWorld()
  try {
    const happened = await suffer(world, options, tally, say, signal)
    const alive = isRunning(world.server.pid)
    if (alive && !signal.aborted) await judgeTheEnd(world, tally, say)
    const { code, left } = await world.end()
    if (code !== 0) tally.fail(`the server ended with ${code} instead of 0`)
    if (left.length > 0) tally.fail(`the server left processes behind: ${left}`)
    for (const line of world.server.log().split('\n')) if (BUGS.test(line)) tally.fail(`the log: ${line}`)
    if (alive && !signal.aborted) {
      say('a fresh index of the same files')
      for (const each of await compareWithFresh(world)) tally.fail(each)
    }
    return {
      name: 'chaos',
      rows: rowsOf(tally, happened),
      failures: tally.failures,
      details: {
        options,
        fullDisk: world.disk.kind,
        failed: tally.failed,
        counts: Object.fromEntries(
          [...tally.counts].map(([kind, endings]) => [kind, Object.fromEntries(endings)]),
        ),
        faults: happened,
      },
    }
  } finally {
    await world.end()
    await world.remove()
  }
}

async function suffer(
  world: World,
  options: ChaosOptions,
  tally: Tally,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Happened[]> {
  const { server } = world
  await indexed(server)
  say('undisturbed answers')
  const truth = await learnTruth(server, options.seed)
  const project = (await statusOf(server)).projects[0]!.name
  const context = { server, truth, tally, project }
  const next = random(options.seed)
  const planned = schedule(next, options)
  const happened: Happened[] = []
  const over = new AbortController()
  const stop = AbortSignal.any([signal, over.signal])
  const [least, more] = options.pauseMs
  let injected = false
  const load = { ...options, requestClients: 6, streamClients: 2 }
  const startedMs = performance.now()
  const progress = setInterval(() => {
    const [requests, streams] = [tally.total(REQUEST_KINDS), tally.total(STREAM_KINDS)]
    say(
      `${((performance.now() - startedMs) / 1000).toFixed(0)} s: ${requests} requests, ${streams} streams, ${happened.length} of ${planned.length} faults, ${tally.failed} failures`,
    )
  }, 1000)
  try {
    const side = [
      watchServer(server, tally, stop, () => over.abort()),
      keepEditing(world.tree, options.seed, stop),
    ]
    const traffic = drive(context, load, () => injected, stop)
    const pause = () => least + next() * more
    await injectAll(world, planned, tally, pause, stop, (each) => happened.push(each))
    injected = true
    await traffic
    over.abort()
    await Promise.all(side)
  } finally {
    over.abort()
    clearInterval(progress)
  }
  return happened
}

async function judgeTheEnd(world: World, tally: Tally, say: (line: string) => void): Promise<void> {
  say('waiting for calm')
  try {
    await caughtUp(world.server, world.tree)
    const untilMs = performance.now() + CALM_MS
    let wrong = await wrongProcesses(world.server)
    while (wrong.length > 0 && performance.now() < untilMs) {
      await sleep(100)
      wrong = await wrongProcesses(world.server)
    }
    for (const each of wrong) tally.fail(`afterwards: ${each}`)
  } catch (thrown) {
    tally.fail(`afterwards: ${reason(thrown)}`)
  }
}

async function compareWithFresh(world: World): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), 'tandem-fresh-'))
  try {
    const fresh = await startTestServer({ home, projects: [world.tree.root] })
    try {
      await indexed(fresh)
    } finally {
      await fresh.stop()
    }
    return indexDifferences(readIndex(world.home), readIndex(home))
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

function rowsOf(tally: Tally, happened: readonly Happened[]): Row[] {
  const rows: Row[] = [
    { what: 'requests', value: tally.total(REQUEST_KINDS), unit: '' },
    { what: 'streams', value: tally.total(STREAM_KINDS), unit: '' },
    { what: 'embedding requests that failed', value: tally.total(EMBEDDINGS, 'WRONG'), unit: '', target: 0 },
    { what: 'other requests that failed', value: otherRequests(tally, 'WRONG'), unit: '', target: 0 },
    { what: 'requests refused with a reason', value: otherRequests(tally, 'refused'), unit: '' },
    { what: 'streams complete and equal', value: tally.total(STREAM_KINDS, 'ok'), unit: '' },
    { what: 'streams refused with a reason', value: tally.total(STREAM_KINDS, 'refused'), unit: '' },
    { what: 'streams left by their client', value: tally.total(STREAM_KINDS, 'left'), unit: '' },
    {
      what: 'streams cut, wrong or repeated',
      value: tally.total(STREAM_KINDS, 'WRONG'),
      unit: '',
      target: 0,
    },
    { what: 'faults', value: happened.length, unit: '' },
  ]
  const recovery = (name: string, all: readonly Happened[], target?: number) => {
    const times = all.flatMap((each) => each.recoveryMs ?? [])
    const value = median(times)
    if (value === undefined) return
    const note = `${times.length} times, ${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}`
    rows.push({ what: name, value, unit: 'ms', note, ...(target === undefined ? {} : { target }) })
  }
  const kills = happened.filter(({ fault }) => fault === 'kill')
  recovery('recovery after a kill, median', kills, RECOVERY_MS)
  for (const task of new Set(kills.map((each) => each.task)))
    recovery(
      `  of ${task}`,
      kills.filter((each) => each.task === task),
    )
  for (const fault of new Set(happened.map((each) => each.fault)))
    if (fault !== 'kill')
      recovery(
        `recovery after ${fault}, median`,
        happened.filter((each) => each.fault === fault),
      )
  return rows
}

const otherRequests = (tally: Tally, ending: 'WRONG' | 'refused') =>
  tally.total(
    REQUEST_KINDS.filter((name) => !EMBEDDINGS.includes(name)),
    ending,
  )
