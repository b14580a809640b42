/** The command `npm run simulate`. */
import { z } from 'zod'
import * as core from '../../src/scheduling/core/index.ts'
import { runCommand } from '../support/command-line.ts'
import { MUTANTS, mutatedCore } from './mutants.ts'
import { type Core, type Outcome, simulate } from './simulation.ts'

const HELP = `npm run simulate -- [options]

Runs the scheduler's core on made-up machines in made-up time, each run from one seed: arrivals, service times, crashes,
hangs, slow and refusing engines, cancels, other plans, models that do not fit together. After each step it checks what must
hold. Exit code 0: all held, 1: a run failed, 2: wrong use.

  --runs N       how many, from the first seed on (default 10000)
  --from N       the first seed (default 0)
  --seed N       this run alone
  --trace        with --seed: every event and what the core decided
  --mutant NAME  a core with one thing changed, to see that it is found out: it stops at the first run that fails
  --json         one JSON document on stdout
  --help         this text

Mutants:
${MUTANTS.map(({ name, does }) => `  ${name.padEnd(18)} ${does}`).join('\n')}
`

const count = z.coerce
  .number()
  .int()
  .min(0)
  .max(2 ** 31)
const Options = z.strictObject({
  runs: count.default(10_000),
  from: count.default(0),
  seed: count.optional(),
  trace: z.boolean().default(false),
  mutant: z.enum(MUTANTS.map(({ name }) => name)).optional(),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
})
type Options = z.infer<typeof Options>

/** @returns the exit code */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(argv, Options, HELP, run)
}

async function run(options: Options): Promise<number> {
  const mutant = MUTANTS.find(({ name }) => name === options.mutant)
  const tried: Core = mutant ? await mutatedCore(mutant) : core
  return options.seed === undefined ? many(tried, options) : one(tried, options.seed, options)
}

function one(tried: Core, seed: number, { trace, json }: Options): number {
  const onLine = trace ? (line: string) => process.stderr.write(`${line}\n`) : undefined
  const outcome = simulate(tried, seed, onLine ? { onLine } : {})
  if (json) process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`)
  else process.stdout.write(`${sentence(outcome)}\n`)
  return outcome.broken === undefined ? 0 : 1
}

function many(tried: Core, { from, runs, mutant, json }: Options): number {
  const failed: Outcome[] = []
  const sums: { events: number; requests: number; [what: string]: number } = { events: 0, requests: 0 }
  let done = 0
  for (let seed = from; seed < from + runs; seed++) {
    const outcome = simulate(tried, seed)
    done += 1
    sums.events += outcome.events
    sums.requests += outcome.requests
    for (const [what, times] of Object.entries({ ...outcome.effects, ...outcome.endings }))
      sums[what] = (sums[what] ?? 0) + times
    if (outcome.broken !== undefined) failed.push(outcome)
    if (mutant !== undefined && failed.length > 0) break
    if (done % 1000 === 0) process.stderr.write(`${done} runs, ${failed.length} failed\n`)
  }
  if (json) process.stdout.write(`${JSON.stringify({ runs: done, sums, failed }, null, 2)}\n`)
  else {
    process.stdout.write(`${done} runs, ${failed.length} failed; ${JSON.stringify(sums)}\n`)
    const changed = mutant === undefined ? '' : ` --mutant ${mutant}`
    for (const outcome of failed.slice(0, 10))
      process.stdout.write(
        `${sentence(outcome)}\n  replay it: npm run simulate --${changed} --seed ${outcome.seed} --trace\n`,
      )
  }
  return failed.length === 0 ? 0 : 1
}

function sentence({ seed, events, requests, endings, broken }: Outcome): string {
  const how = Object.entries(endings).map(([what, times]) => `${times} ${what}`)
  return `seed ${seed}: ${broken ?? 'all held'} (${events} events, ${requests} requests: ${how.join(', ')})`
}
