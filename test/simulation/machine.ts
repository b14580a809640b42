/** Machines made up from a seed: lanes, workers, how fast they are and what goes wrong with them. */
import type { LaneSpec } from '../../src/scheduling/core/index.ts'
import type { Random } from './random.ts'

/** How a worker behaves; the core knows nothing of it. */
export interface Nature {
  readonly id: string
  readonly lane: string
  readonly merges: boolean
  readonly room: number
  readonly maxRoom: number
  readonly proven: boolean
  /** Traits of answers that it goes on with; undefined: it does not tell, and goes on with all. */
  readonly resumes: readonly string[] | undefined
  /** Milliseconds for a padded token; for a chat, of all of it. */
  readonly msPerToken: number
  readonly loadMs: number
  /** Shares of its batches: the process dies, never answers, takes ten times as long, its engine refuses. */
  readonly crash: number
  readonly hang: number
  readonly slow: number
  readonly refuse: number
}

export interface Machine {
  /** Plans that may follow each other; the first is the one to begin with. */
  readonly plans: readonly (readonly LaneSpec[])[]
  readonly natures: ReadonlyMap<string, Nature>
}

export function randomMachine(random: Random): Machine {
  const faulty = random.chance(0.8)
  const share = (most: number) => (faulty && random.chance(0.5) ? random.between(0, most) : 0)
  const natures = new Map<string, Nature>()
  const lane = (id: string, merges: boolean, count: number): LaneSpec => {
    const workers = Array.from({ length: count }, (_, at) => {
      const room = merges ? 2 : 1 + random.below(3)
      natures.set(`${id}${at}`, {
        id: `${id}${at}`,
        lane: id,
        merges,
        room,
        maxRoom: merges ? room + random.below(3) : room,
        proven: at === 0 || random.chance(0.85),
        resumes: merges ? undefined : random.pick([undefined, ['chat'], ['chat', 'tools']]),
        msPerToken: merges ? random.between(0.05, 0.6) : random.between(50, 500),
        loadMs: random.between(50, 600),
        crash: share(0.08),
        hang: share(0.03),
        slow: share(0.1),
        refuse: faulty && random.chance(0.1) ? 0.95 : share(0.15),
      })
      return { id: `${id}${at}`, overflow: at > 0 && random.chance(0.5), givesWay: random.chance(0.3) }
    })
    return { id, merges, proves: merges, workers }
  }
  const lanes = [
    lane('embed', true, 1 + random.below(4)),
    lane('chat', false, 1 + random.below(2)),
    ...(random.chance(0.4) ? [lane('rerank', true, 1 + random.below(2))] : []),
    ...(random.chance(0.5) ? [lane('apply', false, 1)] : []),
  ]
  const [base, others] = withSwaps(lanes, random)
  return { plans: [base, ...others], natures }
}

/** Two chat models may be too large to be loaded together; further plans reorder and drop workers. */
function withSwaps(
  lanes: readonly LaneSpec[],
  random: Random,
): [readonly LaneSpec[], (readonly LaneSpec[])[]] {
  const swaps = lanes.some(({ id }) => id === 'apply') && random.chance(0.6)
  const excludes: Readonly<Record<string, readonly string[]>> = swaps
    ? { chat0: ['apply0'], apply0: ['chat0'] }
    : {}
  const base = lanes.map((spec) => ({
    ...spec,
    workers: spec.workers.map((worker) => ({ ...worker, excludes: excludes[worker.id] ?? [] })),
  }))
  const others = [0, 1].map(() =>
    base.map((spec) => {
      if (!spec.merges) return spec
      const workers = [...spec.workers]
      if (workers.length > 1 && random.chance(0.5)) workers.splice(random.below(workers.length), 1)
      if (random.chance(0.5)) workers.reverse()
      return { ...spec, workers }
    }),
  )
  return [base, others]
}
