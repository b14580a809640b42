import type { PlannedPlacement } from '../domain/index.ts'
import { type Candidate, failureOf, fitNow, rejection, type Scene } from './candidates.ts'
import { type Draft, fittingInOrder, place } from './draft.ts'
import type { Ledger } from './memory.ts'
import type { Rated, Wish } from './order.ts'
import { fastestOf, whyOther, whyTooLate, whyTooSlow } from './reasons.ts'

/** A candidate this far below the policy's share of the fastest, and too slow for a person, does not even stand in. */
const FAR_BELOW = 0.2
/** Nor does one that takes so many times as long as is wanted, behind a first placement that answers in time. */
const TOO_LATE = 3

/** What helps a placement that is full, and what replaces it when it fails; the rest is rejected with its reason. */
export function placeBehind(draft: Draft, drafts: readonly Draft[], ledger: Ledger, scene: Scene): void {
  const { first, wanted, wish, rejected, pin } = draft
  const reject = (candidate: Candidate, reason: string) => rejected.push(rejection(candidate, reason))
  for (const each of draft.failed)
    if (each.known.key !== first?.candidate.known.key) reject(each, failureOf(each, scene.facts) ?? '')
  const followed = pin !== undefined && draft.unmet === undefined
  const others = wanted.filter((each) => each.known.key !== first?.candidate.known.key)
  const { reasons, rated } = fittingInOrder(others, draft, drafts, ledger, scene)
  for (const [candidate, reason] of reasons) reject(candidate, reason)
  if (!first) return
  const usable: Rated[] = []
  const best = fastestOf([first, ...rated])
  for (const each of rated) {
    const there = usable.find(({ candidate }) => candidate.on.id === each.candidate.on.id)
    const besideFirst = first.candidate.on.id === each.candidate.on.id && !followed
    if (there || besideFirst) reject(each.candidate, whyOther(each, there ?? first, wish))
    else if (best && isFarBelow(each, best, wish)) reject(each.candidate, whyTooSlow(each, best))
    else if (first.inTime && isTooLate(each, wish)) reject(each.candidate, whyTooLate(each, rated, wish))
    else usable.push(each)
  }
  const sorted = followed
    ? [...usable].sort(byFirst(({ candidate }) => candidate.engine !== first.candidate.engine))
    : [...usable].sort(byFirst((each) => roleOf(each, wish) === 'overflow'))
  const most = followed && scene.input.exclusive ? 0 : wish.task.standIns
  let standing = 0
  for (const each of sorted) {
    const answer = fitNow(each.candidate, ledger) // the one before it may have taken the room
    if (!answer.fits) reject(each.candidate, answer.reason)
    else if (standing >= most) reject(each.candidate, notNeeded(most, draft, scene))
    else {
      const role = followed ? 'fallback' : roleOf(each, wish)
      const fitted = { fits: new Map([[each.candidate, answer]]) }
      place(draft, each, fitted, ledger, role, [behindSentence(role, first.candidate)])
      standing += 1
    }
  }
}

function roleOf({ candidate }: Rated, { task }: Wish): 'overflow' | 'fallback' {
  return task.overflow.includes(candidate.kind) ? 'overflow' : 'fallback'
}

/** Sorts what holds before what does not, otherwise as it was: what fails with its engine shall not take the fallback with it. */
function byFirst(holds: (each: Rated) => boolean) {
  return (a: Rated, b: Rated) => Number(holds(b)) - Number(holds(a))
}

function isFarBelow({ alone, inTime }: Rated, best: Rated, { task }: Wish): boolean {
  return alone !== undefined && !inTime && alone.perSecond < FAR_BELOW * task.minShare * best.alone!.perSecond
}

function isTooLate({ alone }: Rated, { task }: Wish): boolean {
  return alone !== undefined && alone.ms > TOO_LATE * task.maxMs
}

function notNeeded(most: number, { planned, pin }: Draft, { input }: Scene): string {
  if (pin && input.exclusive) return `not asked for: placement.${planned.task} names another`
  return `not needed: policy ${input.policy.name} keeps ${most} behind the first (standIns)`
}

function behindSentence(role: PlannedPlacement['role'], { engine, device }: Candidate): string {
  const first = `${engine} on ${device}`
  return role === 'overflow'
    ? `helps while ${first} is full, and takes over when it fails`
    : `takes over when ${first} fails`
}
