import type { DeviceKind, PolicySpec, TaskPolicy } from '../domain/index.ts'
import type { Candidate } from './candidates.ts'
import { type Facts, type Speed, speedOf } from './facts.ts'
import { useOf } from './input.ts'
import { expectedSlow } from './rules-of-thumb.ts'

export type Goal = TaskPolicy['goal']

/** Powers are known so well: what takes at most so much more than the least takes as little. */
const ALIKE = 1.25

/** What one model's placement is decided by. */
export interface Wish {
  readonly task: TaskPolicy
  readonly kinds: readonly DeviceKind[]
  readonly goal: Goal
}

/** What a policy wants of a model, now. */
export function wishFor(planned: Candidate['planned'], policy: PolicySpec, onBattery: boolean): Wish {
  const task = policy.tasks[planned.task]
  const further = planned.task === 'chat' && useOf(planned) !== 'chat'
  return {
    task,
    kinds: further ? policy.furtherChat : task.prefer,
    goal: onBattery && policy.onBattery === 'energy' ? 'energy' : task.goal,
  }
}

/** A candidate with what decides its place among the others. */
export interface Rated {
  readonly candidate: Candidate
  /** Beside what is placed. */
  readonly speed: Speed | undefined
  /** Good enough is judged by it: what shares a device takes turns, and seldom all of it works at once. */
  readonly alone: Speed | undefined
  /** Share of its speed alone that it keeps beside what is placed, as far as measured. */
  readonly keeps: number
  /** Place in the policy's order: of its kind, or of a discrete GPU without chat. */
  readonly rank: number
  /** A discrete GPU that goes before the CPU because it has no chat model. */
  readonly isSpare: boolean
  /** Answers a person who waits in time. */
  readonly inTime: boolean
  /** Reaches the policy's share of the fastest. */
  readonly enough: boolean
  /** It shares its device with others, and nobody measured what that costs. */
  readonly crowded: boolean
}

/**
 * Candidates in the order in which a model wants them. First those that are good enough, then by the policy's goal; what is
 * equal is decided by the device's id and the engines' order, so that the order is total.
 * @param besideOf what is placed already and works at the same time as a candidate
 * @param engines ids in order of preference
 */
export function inOrderOfWish(
  candidates: readonly Candidate[],
  wish: Wish,
  besideOf: (candidate: Candidate) => readonly Candidate[],
  facts: Facts,
  engines: readonly string[],
): Rated[] {
  const speeds = candidates.map((candidate) => speedBeside(candidate, besideOf(candidate), facts))
  const fastest = speeds.reduce((most, { alone }) => Math.max(most, alone?.perSecond ?? 0), 0)
  const rated = speeds.map(({ candidate, speed, alone, keeps, crowded }): Rated => {
    const isSpare = isSpareGpu(candidate, wish, besideOf(candidate))
    const fast = speed || expectedSlow(candidate.task, candidate.planned.model, candidate.kind) === undefined
    return {
      candidate,
      speed,
      alone,
      keeps,
      crowded,
      isSpare,
      rank: (isSpare ? rankOf('cpu', wish) - 0.5 : rankOf(candidate.kind, wish)) + leaning(candidate),
      inTime: alone ? alone.ms <= wish.task.maxMs : fast === true && !isTooFar(candidate, wish.task.maxMs),
      enough: alone ? alone.perSecond >= wish.task.minShare * fastest : fast === true,
    }
  })
  // what nobody measured goes before the measured only where its kind is wanted more than all of theirs
  const known = rated.filter((each) => cost(each, wish.goal) !== undefined).map(({ rank }) => rank)
  const firstKnown = Math.min(...known, Number.POSITIVE_INFINITY)
  const least = leastOf(rated, wish.goal)
  return rated
    .map((each) => ({ each, key: keyOf(each, wish.goal, firstKnown, least(each), engines) }))
    .sort((a, b) => compareKeys(a.key, b.key) || natural(a.each.candidate.on.id, b.each.candidate.on.id))
    .map(({ each }) => each)
}

function rankOf(kind: DeviceKind, { kinds }: Wish): number {
  const at = kinds.indexOf(kind)
  return at === -1 ? kinds.length : at
}

/**
 * Of a kind an adopted server goes first with a chat model: it has it in memory already, and a second copy may have no room. With an
 * encoder it goes last: engines of encoders are several times as fast.
 */
function leaning({ on, task }: Candidate): number {
  if (!on.server) return 0
  return task === 'chat' ? -0.25 : 0.25
}

/** Milliseconds that asking takes by itself, of a server beyond this machine. */
export function wayMs({ on }: Candidate): number {
  return on.server?.roundTripMs ?? 0
}

/** A text waits for the way there and back; an answer that is read as it comes waits for it once. */
function isTooFar(candidate: Candidate, maxMs: number): boolean {
  return candidate.task !== 'chat' && wayMs(candidate) > maxMs
}

function isSpareGpu({ kind, on }: Candidate, wish: Wish, beside: readonly Candidate[]): boolean {
  if (on.server || !wish.task.spareGpu || kind !== 'dgpu' || rankOf('dgpu', wish) < rankOf('cpu', wish))
    return false
  return (
    wish.kinds.includes('dgpu') && !beside.some((other) => other.task === 'chat' && other.on.id === on.id)
  )
}

/** The least energy among those that are as good as one otherwise. */
function leastOf(rated: readonly Rated[], goal: Goal): (each: Rated) => number {
  if (goal !== 'energy') return () => Number.POSITIVE_INFINITY
  const alike = ({ inTime, enough }: Rated) => `${inTime} ${enough}`
  const least = new Map<string, number>()
  for (const each of rated) {
    const joules = each.speed?.joules
    if (joules !== undefined) least.set(alike(each), Math.min(joules, least.get(alike(each)) ?? joules))
  }
  return (each) => least.get(alike(each)) ?? Number.POSITIVE_INFINITY
}

function speedBeside(candidate: Candidate, beside: readonly Candidate[], facts: Facts) {
  let keeps = 1
  let crowded = false
  for (const other of beside) {
    const share = facts.keeps(candidate.known, other.known)
    if (share !== undefined)
      keeps *= share // pairs were measured, not all at once: what they take is multiplied
    else if (other.on.id === candidate.on.id) crowded = true
  }
  const { measured } = candidate
  const alone = measured && speedOf(measured)
  return { candidate, keeps, crowded, alone, speed: measured && speedOf(measured, keeps) }
}

/** What the goal makes small; undefined: not known. */
function cost({ speed, rank }: Rated, goal: Goal): number | undefined {
  if (goal === 'preference') return rank
  return goal === 'energy' ? speed?.joules : speed && -speed.perSecond
}

function keyOf(
  each: Rated,
  goal: Goal,
  firstKnown: number,
  least: number,
  engines: readonly string[],
): number[] {
  const { inTime, enough, rank, crowded, speed, candidate } = each
  const known = cost(each, goal)
  const isLeast = goal === 'energy' && known !== undefined && known <= ALIKE * least
  const group = known !== undefined ? 1 : rank < firstKnown ? 0 : 2
  return [
    inTime ? 0 : 1,
    enough ? 0 : 1,
    group,
    isLeast ? 0 : 1,
    isLeast ? rank : (known ?? 0),
    rank,
    crowded ? 1 : 0,
    speed ? 0 : 1,
    speed ? -speed.perSecond : 0,
    wayMs(candidate),
    -(candidate.on.memoryBytes ?? 0),
    engines.indexOf(candidate.engine),
  ]
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return a[at]! - b[at]!
  return 0
}

function natural(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}
