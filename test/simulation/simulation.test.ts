import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import * as core from '../../src/scheduling/core/index.ts'
import { MUTANTS } from './mutants.ts'
import { type Outcome, simulate } from './simulation.ts'

const COMMAND = fileURLToPath(new URL('run.js', import.meta.url))
const RUNS = 10_000
/** Within so many runs each mutant is found out. */
const MUTANT_RUNS = 1_000
const PART = 500

const run = promisify(execFile)
const parts = Array.from({ length: RUNS / PART }, (_, at) => at * PART)

test.each(parts)(
  '[failure-domains] [interactive-first] [bounded] [vector-safe] seeds from %i on: what must hold holds after each step',
  { timeout: 900_000 },
  (from) => {
    const broken: Outcome[] = []
    for (let seed = from; seed < from + PART; seed++) {
      const outcome = simulate(core, seed)
      if (outcome.broken !== undefined) broken.push(outcome)
    }
    expect(broken).toEqual([])
  },
)

test('all that the core can decide is decided, and requests end in every way', () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const { effects, endings } = simulate(core, seed)
    for (const what of [...Object.keys(effects), ...Object.keys(endings)]) seen.add(what)
  }
  const effects = ['dispatch', 'end', 'retry', 'cancelBatch', 'vacated', 'wake', 'rest']
  const breakers = ['breakerOpened', 'breakerClosed']
  const endings = ['done', 'failed', 'deadline', 'queueFull', 'cancelled', 'shuttingDown']
  expect([...effects, ...breakers, ...endings].filter((what) => !seen.has(what))).toEqual([])
})

test('a run is the same again', () => {
  const lines = () => {
    const all: string[] = []
    simulate(core, 7, { onLine: (line) => all.push(line) })
    return all
  }
  expect(lines()).toEqual(lines())
})

test.each(MUTANTS)(
  'a core that was changed is found out, and its run replayed: $name',
  { timeout: 900_000 },
  async ({ name }) => {
    const failing = async (...args: string[]) => {
      const failure = (await run(process.execPath, [COMMAND, '--mutant', name, '--json', ...args]).then(
        () => undefined,
        (thrown: { code: number; stdout: string }) => thrown,
      )) as { code: number; stdout: string } | undefined
      expect(failure?.code).toBe(1)
      return JSON.parse(failure?.stdout ?? '') as unknown
    }
    const { failed } = (await failing('--runs', String(MUTANT_RUNS))) as { failed: Outcome[] }
    const [first] = failed
    expect(first?.broken).toMatch(/^at \d+ ms: /)
    expect(await failing('--seed', String(first?.seed))).toEqual(first)
  },
)

test('wrong use is told', async () => {
  const wrong = run(process.execPath, [COMMAND, '--seed', 'x'])
  await expect(wrong).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--seed: .*see --help/),
  })
})
