/** The command `npm run chaos`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runCommand } from '../support/command-line.ts'
import { runChaos } from './chaos.ts'
import { reason } from './client.ts'
import { FAULTS } from './faults.ts'
import { machine, passed, type Report, table } from './report.ts'
import { runSimulated, SIMULATED_FAULTS } from './simulated.ts'
import { runSoak } from './soak.ts'
import { runVulkan } from './vulkan.ts'
import { canRunHere } from './world.ts'

const RESULTS = fileURLToPath(new URL('../../bench/results', import.meta.url))
/** Between two faults: at least, and so much more at most; closer ones measure the backoff of restarts. */
const PAUSE_MS = [3000, 4000] as const
const PARTS = ['real', 'simulated', 'vulkan'] as const

const HELP = `npm run chaos -- [options]

Starts real servers, lets them serve mixed traffic while their processes are killed, stopped and fed with garbage, and
checks every answer. Exit code 0: all held, 1: something failed, 2: wrong use.

  --seed N           order of faults and choice of requests (default 1)
  --requests N       requests of all kinds but streams (default 10000)
  --streams N        streamed chats (default 200)
  --kills N          kills of each task's worker (default 6)
  --each N           how often every other fault is made on each of its tasks (default 1)
  --only FAULT       one fault: ${FAULTS.map(({ name }) => name).join(', ')}
  --part PART        ${PARTS.join(', ')} (default: all; with --only: real)
  --soak             no faults, but a long run: memory and handles of every process must have no trend
  --minutes N        of the soak (default 20)
  --kill-every N     minutes between two kills during the soak (default: none)
  --json             the report as JSON on stdout
  --help             this text

The reports are kept in bench/results/ (not with --only). Ctrl-C ends the run and what it started.
`

const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most)
const Options = z.strictObject({
  seed: count(0, 2 ** 31).default(1),
  requests: count(1, 1_000_000).default(10_000),
  streams: count(0, 100_000).default(200),
  kills: count(1, 1000).default(6),
  each: count(0, 1000).default(1),
  only: z.enum(FAULTS.map(({ name }) => name)).optional(),
  part: z.enum(PARTS).optional(),
  soak: z.boolean().default(false),
  minutes: z.coerce.number().min(1).max(10_000).default(20),
  'kill-every': z.coerce.number().min(0.25).max(10_000).optional(),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
})
type Options = z.infer<typeof Options>

/** @returns the exit code */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(argv, Options, HELP, run)
}

async function run(options: Options): Promise<number> {
  const cannot = canRunHere()
  if (cannot !== undefined) {
    process.stderr.write(`chaos cannot run here: ${cannot}\n`)
    return 1
  }
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  const reports: Report[] = []
  for (const part of partsOf(options, progress, controller.signal)) {
    if (controller.signal.aborted) break
    const report = await part().catch(
      (thrown): Report => ({ name: 'chaos', rows: [], failures: [reason(thrown)], details: {} }),
    )
    process.stderr.write('\r\x1b[K')
    if (!options.json) process.stdout.write(`\n${table(report)}\n`)
    if (!controller.signal.aborted && options.only === undefined) keep(report)
    reports.push(report)
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ machine: machine(), reports }, null, 2)}\n`)
  return !controller.signal.aborted && reports.every(passed) ? 0 : 1
}

function partsOf(
  options: Options,
  say: (line: string) => void,
  signal: AbortSignal,
): (() => Promise<Report>)[] {
  const { seed, soak, minutes, requests, kills, only } = options
  if (soak) {
    const killEveryMinutes = options['kill-every']
    return [() => runSoak({ seed, minutes, killEveryMinutes, sampleEveryMs: 5000 }, say, signal)]
  }
  const all = {
    real: () => runChaos({ ...options, pauseMs: PAUSE_MS }, say, signal),
    simulated: () =>
      runSimulated({ requests: Math.min(300, requests), faults: SIMULATED_FAULTS }, say, signal),
    vulkan: () => runVulkan({ kills }, say, signal),
  }
  if (options.part) return [all[options.part]]
  return only === undefined ? PARTS.map((part) => all[part]) : [all.real]
}

function keep(report: Report): void {
  mkdirSync(RESULTS, { recursive: true })
  const file = join(RESULTS, `${report.name.replaceAll(' ', '-')}.json`)
  writeFileSync(file, `${JSON.stringify({ machine: machine(), ...report }, null, 2)}\n`)
}

/** One line that is written over on a terminal, and now and then elsewhere. */
let saidMs = Number.NEGATIVE_INFINITY
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
  else if (!line.includes(' requests, ') || performance.now() - saidMs > 10_000) {
    saidMs = performance.now()
    process.stderr.write(`${line}\n`)
  }
}
