import type { PlanDifference } from '../domain/index.ts'

/** The parts of a plan, or of its JSON, that tell two apart. */
interface Comparable {
  readonly tasks: Readonly<
    Partial<
      Record<
        string,
        readonly {
          readonly model: string
          readonly engine: string
          readonly device: string
          readonly role: string
          readonly reasons: readonly string[]
          readonly swapsWith?: readonly string[] | undefined
        }[]
      >
    >
  >
  readonly rejected: readonly {
    readonly task: string
    readonly model: string
    readonly engine: string
    readonly device: string
    readonly reason: string
  }[]
}

/** For each task and model what moved from where to where, and what decided it; nothing when both serve alike. */
export function comparePlans(before: Comparable, after: Comparable): readonly PlanDifference[] {
  return servedModels(before, after).flatMap(({ task, model }) => {
    const was = placementsOf(before, task, model)
    const is = placementsOf(after, task, model)
    const [from, ...behindFrom] = was.map(nameOf)
    const [to, ...behindTo] = is.map(nameOf)
    const moved = from !== to
    const behind = behindFrom.join() !== behindTo.join()
    const swapsFrom = was[0]?.swapsWith ?? []
    const swapsTo = is[0]?.swapsWith ?? []
    const swaps = swapsFrom.join() !== swapsTo.join()
    if (!moved && !behind && !swaps) return []
    return [
      {
        task,
        model,
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(behind ? { behindFrom, behindTo } : {}),
        ...(swaps ? { swapsFrom, swapsTo } : {}),
        reason:
          !moved && swaps && swapsTo.length === 0
            ? 'nothing has to make room for it any more'
            : moved || swaps
              ? whyMoved(task, model, from, before, after)
              : whyBehind(was, is, after, task, model),
      },
    ]
  })
}

type Placed = NonNullable<Comparable['tasks'][string]>[number]

function servedModels(before: Comparable, after: Comparable): { task: string; model: string }[] {
  const seen = new Set<string>()
  return [before, after].flatMap(({ tasks }) =>
    Object.entries(tasks).flatMap(([task, list = []]) =>
      list.flatMap(({ model }) => {
        const key = `${task}:${model}`
        if (seen.has(key)) return []
        seen.add(key)
        return [{ task, model }]
      }),
    ),
  )
}

function placementsOf({ tasks }: Comparable, task: string, model: string): Placed[] {
  return (tasks[task] ?? []).filter((each) => each.model === model)
}

function nameOf({ engine, device }: { readonly engine: string; readonly device: string }): string {
  return `${engine} on ${device}`
}

function whyMoved(
  task: string,
  model: string,
  from: string | undefined,
  before: Comparable,
  after: Comparable,
): string {
  const [first] = placementsOf(after, task, model)
  const rejected = rejectionOf(after, task, model, from)
  if (!first) return rejected ?? `${model} is not asked for any more`
  if (rejected !== undefined) return rejected
  const old = placementsOf(before, task, model)[0]?.reasons ?? []
  return first.reasons.find((reason) => !old.includes(reason)) ?? first.reasons[0] ?? 'no reason was given'
}

function whyBehind(
  was: readonly Placed[],
  is: readonly Placed[],
  after: Comparable,
  task: string,
  model: string,
): string {
  const now = is.map(nameOf)
  const gone = was.map(nameOf).find((name) => !now.includes(name))
  const rejected = rejectionOf(after, task, model, gone)
  if (rejected !== undefined) return rejected
  const then = was.map(nameOf)
  const added = is.find((each) => !then.includes(nameOf(each)))
  return added?.reasons[0] ?? 'another order'
}

function rejectionOf({ rejected }: Comparable, task: string, model: string, name: string | undefined) {
  return rejected.find((each) => each.task === task && each.model === model && nameOf(each) === name)?.reason
}
