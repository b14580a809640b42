/** Changes of the core that the simulation must find out: what a wrong edit could do. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Core } from './simulation.ts'

export interface Mutant {
  readonly name: string
  /** What goes wrong, for a person. */
  readonly does: string
  /** Below `src/scheduling/core`. */
  readonly file: string
  readonly from: string
  readonly to: string
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'drop-retry',
    does: 'a request whose worker was lost fails at once',
    file: 'retry.ts',
    from: 'back.tries >= maxTries',
    to: 'back.tries >= 1',
  },
  {
    name: 'swap-priorities',
    does: 'bulk goes before people',
    file: 'dispatch.ts',
    from: "return lane.interactiveRun >= after ? 'bulk' : 'interactive'",
    to: "return lane.interactiveRun >= after ? 'interactive' : 'bulk'",
  },
  {
    name: 'ignore-breaker',
    does: 'work goes on to a worker whose engine refuses everything',
    file: 'candidates.ts',
    from: 'const closed = willing.filter((seat) => mayTry(draft, seat))',
    to: 'const closed = willing',
  },
  {
    name: 'wait-behind-head',
    does: 'one that must wait holds up those behind it that others could serve',
    file: 'dispatch.ts',
    from: 'if (waits.size === LOOK)',
    to: 'if (waits.size === 1)',
  },
  {
    name: 'pass-for-good',
    does: 'one that must wait loses its worker to those behind it',
    file: 'dispatch.ts',
    from: 'if (awaits) kept.add(awaits.id)',
    to: '',
  },
  {
    name: 'ask-again',
    does: 'a request goes to a worker that can never serve it',
    file: 'candidates.ts',
    from: '&& !request.cannot.includes(id) ? [seat]',
    to: '? [seat]',
  },
  {
    name: 'begin-anew',
    does: 'an answer of which text is out goes to a worker that would begin it anew',
    file: 'resume.ts',
    from: 'if (!shown) return cannot',
    to: 'if (shown || !shown) return cannot',
  },
  {
    name: 'blame-the-killed',
    does: 'a request fails because others killed its worker',
    file: 'retry.ts',
    from: 'return killed && draft.lanes.get(lane)?.merges === true',
    to: 'return false',
  },
  {
    name: 'starve-bulk',
    does: 'bulk waits as long as anybody else does',
    file: 'dispatch.ts',
    from: 'lane.interactiveRun >= after',
    to: 'lane.interactiveRun >= 1000 * after',
  },
  {
    name: 'trust-unproven',
    does: 'a worker serves whose vectors were not compared',
    file: 'candidates.ts',
    from: '(proven || !lane.proves)',
    to: '(proven || lane.proves)',
  },
  {
    name: 'load-together',
    does: 'a model is loaded before the one that it does not fit beside is gone',
    file: 'residency.ts',
    from: 'if (holding.length === 0) {',
    to: 'if (holding.every(({ resting }) => resting)) {',
  },
  {
    name: 'count-twice',
    does: 'both answers of a hedged batch count',
    file: 'step.ts',
    from: 'if (twin && !twin.settled) callOff(draft, twin)',
    to: '',
  },
  {
    name: 'forget-the-queue',
    does: 'the queue has no bound',
    file: 'admission.ts',
    from: 'waiting >= draft.limits.maxWaiting',
    to: 'waiting >= 10 * draft.limits.maxWaiting',
  },
  {
    name: 'never-expire',
    does: 'a chat that waits to go on waits for ever',
    file: 'admission.ts',
    from: '!(started && running > 0)',
    to: '!started',
  },
  {
    name: 'leave-idle',
    does: 'a worker that let go of a batch gets no other',
    file: 'step.ts',
    from: '  dispatch(draft, state, event)\n  return',
    to: "  if (event.type !== 'batchReleased') dispatch(draft, state, event)\n  return",
  },
]

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url))

/**
 * A core with one thing changed, from a copy of the sources that is removed at once.
 * @throws Error when the sources no longer have what the mutant changes
 */
export async function mutatedCore({ name, file, from, to }: Mutant): Promise<Core> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-mutant-'))
  try {
    await cp(join(SOURCES, 'domain'), join(folder, 'domain'), { recursive: true })
    await cp(join(SOURCES, 'scheduling', 'core'), join(folder, 'scheduling', 'core'), { recursive: true })
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    const path = join(folder, 'scheduling', 'core', file)
    const source = await readFile(path, 'utf8')
    const parts = source.split(from)
    if (parts.length !== 2)
      throw new Error(`${name}: ${file} has "${from}" ${parts.length - 1} times, not once`)
    await writeFile(path, parts.join(to))
    return (await import(pathToFileURL(join(folder, 'scheduling', 'core', 'index.ts')).href)) as Core
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
