/** Long mixed traffic: memory and open handles of every process must have no trend. */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryOf } from '../processes.ts'
import { indexed, statusOf } from '../support/api.ts'
import { random } from '../support/made-up-tree.ts'
import { FAULTS } from './faults.ts'
import { injectAll } from './injector.ts'
import type { Report, Row } from './report.ts'
import { keepEditing } from './same-index.ts'
import { median, theilSen } from './slope.ts'
import { Tally } from './tally.ts'
import { drive, REQUEST_KINDS, STREAM_KINDS } from './traffic.ts'
import { learnTruth } from './truth.ts'
import { watchServer } from './watch.ts'
import { makeWorld } from './world.ts'

const HOUR_MS = 3_600_000
/** Share of the run that is left out: caches fill and the heap finds its size. */
const WARM_UP = 0.3
/** Of its level per hour: what memory may grow, beside what a fixed-size measurement cannot tell from nothing. */
const MEMORY_SHARE_PER_HOUR = 0.25
const MEMORY_NOISE_BYTES = 8 * 2 ** 20
/** Handles over the whole judged time. */
const HANDLES_GROWN = 4
const MIB = 2 ** 20
/** A process with fewer samples has no trend. */
const LEAST_SAMPLES = 8

export interface SoakOptions {
  readonly seed: number
  readonly minutes: number
  /** Minutes between two kills; undefined: none. */
  readonly killEveryMinutes?: number | undefined
  readonly sampleEveryMs: number
}

interface Sample {
  readonly atMs: number
  readonly bytes: number
  readonly handles: number
}

interface Series {
  readonly name: string
  readonly pid: number
  readonly samples: Sample[]
}

export async function runSoak(
  options: SoakOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const tally = new Tally()
  const world = await makeWorld({ collect: true })
  const { server } = world
  try {
    await indexed(server)
    say('undisturbed answers')
    const truth = await learnTruth(server, options.seed)
    const project = (await statusOf(server)).projects[0]!.name
    const gone = new AbortController()
    // Node 20 collects an AbortSignal.timeout that only AbortSignal.any knows, and the time never ends
    const timer = setTimeout(() => gone.abort(), options.minutes * 60_000)
    const stop = AbortSignal.any([signal, gone.signal])
    const series = new Map<number, Series>()
    const startedMs = performance.now()
    const sampling = sample(server, series, options.sampleEveryMs, stop, () =>
      say(
        `${((performance.now() - startedMs) / 60_000).toFixed(1)} of ${options.minutes} min: ${tally.total(REQUEST_KINDS)} requests, ${tally.total(STREAM_KINDS)} streams, ${tally.failed} failures`,
      ),
    )
    const next = random(options.seed)
    const every = options.killEveryMinutes
    const kill = FAULTS.find(({ name }) => name === 'kill')!
    const kills = every === undefined ? 0 : Math.floor(options.minutes / every) - 1
    const planned = Array.from({ length: Math.max(0, kills) }, (_, at) => ({
      fault: kill,
      task: kill.tasks[at % kill.tasks.length]!,
    }))
    const pauseMs = () => (every ?? 0) * 60_000 * (0.8 + 0.4 * next())
    const context = { server, truth, tally, project }
    const load = { requests: 0, streams: 0, requestClients: 4, streamClients: 1, seed: options.seed }
    await Promise.all([
      drive(context, load, () => false, stop),
      keepEditing(world.tree, options.seed, stop),
      watchServer(server, tally, stop, () => gone.abort()),
      injectAll(world, planned, tally, pauseMs, stop, () => {}),
      sampling,
    ])
    clearTimeout(timer)
    const { code, left } = await world.end()
    if (code !== 0) tally.fail(`the server ended with ${code} instead of 0`)
    if (left.length > 0) tally.fail(`the server left processes behind: ${left}`)
    const counted = [
      { what: 'requests', value: tally.total(REQUEST_KINDS), unit: '' },
      { what: 'streams', value: tally.total(STREAM_KINDS), unit: '' },
    ]
    const judged = [...series.values()].filter(({ samples }) => warm(samples).length >= LEAST_SAMPLES)
    if (judged.length === 0 && !signal.aborted) tally.fail('too short: no process has a trend to judge')
    return {
      name: every === undefined ? 'soak' : 'soak-with-kills',
      rows: [...counted, ...judged.flatMap(rowsOf)],
      failures: tally.failures,
      details: { options, series: [...series.values()] },
    }
  } finally {
    await world.end()
    await world.remove()
  }
}

async function sample(
  server: { readonly url: string; readonly pid: number },
  series: Map<number, Series>,
  everyMs: number,
  signal: AbortSignal,
  onSample: () => void,
): Promise<void> {
  while (!signal.aborted) {
    const { workers } = await statusOf(server)
    const processes = [
      { name: 'server', pid: server.pid },
      ...workers.flatMap(({ id, pid }) => (pid === undefined ? [] : [{ name: id, pid }])),
    ]
    for (const { name, pid } of processes) {
      try {
        const found = series.get(pid) ?? { name, pid, samples: [] }
        const handles = readdirSync(`/proc/${pid}/fd`).length
        found.samples.push({ atMs: performance.now(), bytes: memoryOf(pid).nowBytes, handles })
        series.set(pid, found)
      } catch {
        // it ended meanwhile
      }
    }
    onSample()
    await sleep(everyMs)
  }
}

function warm(samples: readonly Sample[]): readonly Sample[] {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last) return []
  const fromMs = first.atMs + (last.atMs - first.atMs) * WARM_UP
  return samples.filter(({ atMs }) => atMs >= fromMs)
}

function rowsOf({ name, pid, samples }: Series): Row[] {
  const judged = warm(samples)
  const hours = (judged.at(-1)!.atMs - judged[0]!.atMs) / HOUR_MS
  const level = median(judged.map(({ bytes }) => bytes))!
  const perHour = theilSen(judged.map(({ atMs, bytes }) => ({ x: atMs / HOUR_MS, y: bytes })))
  const handles = theilSen(judged.map(({ atMs, handles: y }) => ({ x: atMs / HOUR_MS, y }))) * hours
  const bound = MEMORY_SHARE_PER_HOUR * level + MEMORY_NOISE_BYTES / hours
  return [
    {
      what: `${name} (process ${pid}): memory per hour`,
      value: perHour / MIB,
      unit: 'MiB',
      target: Math.round(bound / MIB),
      note: `level ${(level / MIB).toFixed(0)} MiB, ${judged.length} samples`,
    },
    {
      what: `${name} (process ${pid}): handles grown`,
      value: handles,
      unit: '',
      target: HANDLES_GROWN,
      note: `level ${median(judged.map((each) => each.handles))}`,
    },
  ]
}
