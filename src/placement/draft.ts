import type { Fit, PlannedPlacement, RejectedPlacement, UnmetPin } from '../domain/index.ts'
import {
  type Candidate,
  candidatesFor,
  failureOf,
  fitNow,
  heldBy,
  rejection,
  type Scene,
} from './candidates.ts'
import { type PlannedModel, useOf } from './input.ts'
import type { Ledger } from './memory.ts'
import { inOrderOfWish, type Rated, type Wish, wishFor } from './order.ts'
import type { Pin } from './pin.ts'
import { whatIsKnown } from './reasons.ts'
import { ARTICLE } from './rules-of-thumb.ts'

export type Fitting = Extract<Fit, { fits: true }>

/** One model while its place is sought. */
export interface Draft {
  readonly planned: PlannedModel
  readonly wish: Wish
  readonly pin?: Pin
  /** What the policy allows. */
  readonly wanted: readonly Candidate[]
  /** Likewise, and they were tried in vain. */
  readonly failed: readonly Candidate[]
  readonly rejected: RejectedPlacement[]
  readonly placements: PlannedPlacement[]
  first?: Rated
  /** With those of its device of which one is loaded at a time. */
  turn?: readonly Draft[]
  unmet?: UnmetPin & { readonly engine: string; readonly device: string }
}

export function draftOf(planned: PlannedModel, scene: Scene): Draft {
  const { input } = scene
  const wish = wishFor(planned, input.policy, input.onBattery === true)
  const isMeant = !planned.onDemand && (planned.task !== 'chat' || useOf(planned) === 'chat')
  const pin = isMeant ? input.pins?.[planned.task] : undefined
  const { candidates, rejected } = candidatesFor(planned, scene)
  const works: Candidate[] = []
  const failed: Candidate[] = []
  const all = [...rejected]
  for (const candidate of candidates) {
    const against = unwanted(candidate, wish, scene)
    if (against !== undefined) all.push(rejection(candidate, against))
    else if (failureOf(candidate, scene.facts) === undefined) works.push(candidate)
    else failed.push(candidate)
  }
  return { planned, wish, wanted: works, failed, rejected: all, placements: [], ...(pin ? { pin } : {}) }
}

/** What the policy and the numbers say against a placement that nobody asked for. */
function unwanted(candidate: Candidate, wish: Wish, { input }: Scene): string | undefined {
  const { kind, on, measured, planned } = candidate
  if (on.server) return undefined // where it computes was its user's choice
  if (!wish.kinds.includes(kind))
    return `policy ${input.policy.name} never uses ${ARTICLE[kind]} for ${useOf(planned)}`
  if (on.software && !measured) return `${on.name} is computed by the CPU, and not measured yet`
  return undefined
}

/** The first placements of the other models. */
export function firstsBeside(draft: Draft, drafts: readonly Draft[]): Candidate[] {
  return drafts.flatMap((each) => (each !== draft && each.first ? [each.first.candidate] : []))
}

export interface Fitted {
  readonly rated: readonly Rated[]
  readonly fits: ReadonlyMap<Candidate, Fitting>
  readonly reasons: ReadonlyMap<Candidate, string>
}

/** Those of the candidates that fit now, in order. */
export function fittingInOrder(
  candidates: readonly Candidate[],
  draft: Draft,
  drafts: readonly Draft[],
  ledger: Ledger,
  { facts, input }: Scene,
): Fitted {
  const fits = new Map<Candidate, Fitting>()
  const reasons = new Map<Candidate, string>()
  for (const candidate of candidates) {
    const answer = fitNow(candidate, ledger)
    if (answer.fits) fits.set(candidate, answer)
    else reasons.set(candidate, answer.reason)
  }
  const engines = input.engines.map(({ id }) => id)
  const beside = firstsBeside(draft, drafts)
  return { rated: inOrderOfWish([...fits.keys()], draft.wish, () => beside, facts, engines), fits, reasons }
}

/** Puts a placement into the plan, and takes its memory. */
export function place(
  draft: Draft,
  rated: Rated,
  { fits }: Pick<Fitted, 'fits'>,
  ledger: Ledger,
  role: PlannedPlacement['role'],
  why: readonly string[],
): void {
  const { candidate } = rated
  const fitting = fits.get(candidate)!
  const { task, model, engine, device, kind, simulated, measured, planned } = candidate
  for (const { on, held } of heldBy(candidate, fitting.need)) ledger.take(on, held)
  if (role === 'primary') draft.first = rated
  const { unmet } = draft
  const insteadOf = unmet && { engine: unmet.engine, device: unmet.device, reason: unmet.reason }
  const instead = insteadOf
    ? [
        `stands in for ${insteadOf.engine}${insteadOf.device && ` on ${insteadOf.device}`}: ${insteadOf.reason}`,
      ]
    : []
  draft.placements.push({
    task,
    model,
    engine,
    device,
    kind,
    simulated,
    role,
    reasons: [...instead, ...why, ...whatIsKnown(rated, fitting)],
    memory: fitting.need,
    ...(candidate.shares
      ? { shares: candidate.shares.map(({ on, part }) => ({ device: on.id, part })) }
      : {}),
    ...(insteadOf ? { insteadOf } : {}),
    ...(fitting.load ? { load: fitting.load } : {}),
    ...(measured ? { measured } : {}),
    ...(task === 'chat' ? { use: planned.use ?? 'chat' } : {}),
    ...(planned.onDemand ? { onDemand: true } : {}),
  })
}
