/** Chat models that do not fit together on a device are loaded in turns, as they are asked for: their memory counts once. */
import { type DecoderLoad, type Device, placementId } from '../domain/index.ts'
import { type Candidate, fitNow, type Scene } from './candidates.ts'
import { type Draft, type Fitted, type Fitting, firstsBeside, place } from './draft.ts'
import { type Held, type Ledger, largest } from './memory.ts'
import { inOrderOfWish, type Rated } from './order.ts'
import { whyFirst } from './reasons.ts'
import { listed } from './say.ts'

/** How a candidate that does not fit beside what is placed could be loaded. */
interface Way {
  readonly fitting: Fitting
  /** Models that make room for it, one loaded at a time from then on. */
  readonly others: readonly Draft[]
  /** What the ledger holds for them. */
  readonly held: Held
}

/**
 * Places a chat model where others make room for it, when nothing that fits beside them with all its layers writes fast enough.
 * @param working what fits beside all others, in order
 * @returns whether it was placed
 */
export function takeTurns(
  draft: Draft,
  drafts: readonly Draft[],
  working: Fitted,
  ledger: Ledger,
  { facts, input }: Scene,
): boolean {
  const isGood = ({ inTime, candidate }: Rated) =>
    inTime && isWhole(candidate, working.fits.get(candidate)?.load)
  if (draft.planned.task !== 'chat' || working.rated.some(isGood)) return false
  const ways = waysInTurns(draft, drafts, working, ledger)
  const beside = firstsBeside(draft, drafts)
  const besideOf = (candidate: Candidate) => {
    const resting = ways.get(candidate)?.others ?? []
    return beside.filter((other) => resting.every(({ first }) => first?.candidate !== other))
  }
  const candidates = [...new Set([...working.fits.keys(), ...ways.keys()])]
  const engines = input.engines.map(({ id }) => id)
  const rated = inOrderOfWish(candidates, draft.wish, besideOf, facts, engines)
  const inTime = rated.find((each) => each.inTime && ways.has(each.candidate))
  const best = inTime ?? (working.rated.length === 0 ? rated[0] : undefined)
  const way = best && ways.get(best.candidate)
  if (!way) return false
  const { on } = best.candidate
  const { fitting, others, held } = way
  const why = whyFirst(best, rated, draft.wish, input.policy, input.onBattery === true)
  place(draft, best, { fits: new Map([[best.candidate, fitting]]) }, ledger, 'primary', why)
  const turn = [...others, draft]
  for (const each of turn) each.turn = turn
  ledger.give(on, held)
  ledger.give(on, fitting.need)
  ledger.take(on, heldBy(turn, on))
  return true
}

function waysInTurns(
  { wanted }: Draft,
  drafts: readonly Draft[],
  { fits }: Fitted,
  ledger: Ledger,
): Map<Candidate, Way> {
  const ways = new Map<Candidate, Way>()
  for (const candidate of wanted) {
    const now = fits.get(candidate)
    if (now && isWhole(candidate, now.load)) continue
    for (const { others, held } of makingRoom(candidate.on, drafts)) {
      const room = ledger.copy()
      room.give(candidate.on, held)
      const fitting = fitNow(candidate, room)
      if (!fitting.fits || !holdsMore(fitting.load, now?.load)) continue
      ways.set(candidate, { fitting, others, held })
      break
    }
  }
  return ways
}

/** Its numbers are those of a load with all layers on the device; with some on the CPU it is slower than they say. */
function isWhole({ kind, planned: { shape } }: Candidate, load: DecoderLoad | undefined): boolean {
  if (!load || shape?.kind !== 'decoder' || kind === 'cpu') return true
  return load.gpuLayers > shape.layerBytes.length && load.cpuExpertLayers === 0
}

/** Whether more of the model is on the device than in another load. */
function holdsMore(load: DecoderLoad | undefined, than: DecoderLoad | undefined): boolean {
  if (!load || !than) return true
  return load.gpuLayers > than.gpuLayers || load.cpuExpertLayers < than.cpuExpertLayers
}

/** Who could make room on a device: the last that chose first, at last all of them. Never one that the user wants there. */
function makingRoom(on: Device, drafts: readonly Draft[]): Omit<Way, 'fitting'>[] {
  const movable = drafts.filter(({ planned, pin, unmet, first }) => {
    const isPinned = pin !== undefined && unmet === undefined
    return planned.task === 'chat' && !isPinned && first?.candidate.on.id === on.id
  })
  const turns = [...new Set(movable.map((each) => each.turn ?? [each]))]
  const ways = turns.map((others) => ({ others, held: heldBy(others, on) })).reverse()
  if (ways.length < 2) return ways
  return [...ways, { others: movable, held: sum(ways.map(({ held }) => held)) }]
}

/** What models of which one is loaded at a time take. */
function heldBy(turn: readonly Draft[], on: Device): Held {
  return largest(
    on,
    turn.flatMap(({ placements: [first] }) => first?.memory ?? []),
  )
}

function sum(parts: readonly Held[]): Held {
  return parts.reduce((all, each) => ({
    deviceBytes: all.deviceBytes + each.deviceBytes,
    hostBytes: all.hostBytes + each.hostBytes,
  }))
}

/** Says of a placement with which others it is loaded in turns. */
export function tellTurns({ planned, placements, turn, first }: Draft): void {
  const [own] = placements
  if (!turn || !own || !first) return
  const others = turn.filter((each) => each.planned !== planned)
  const names = listed(others.map(({ planned: { model } }) => model.id))
  const where = first.candidate.on.id
  placements[0] = {
    ...own,
    swapsWith: others.flatMap(({ placements: [each] }) => (each ? [placementId(each)] : [])),
    reasons: [`does not fit beside ${names} on ${where}: they are loaded in turns`, ...own.reasons],
  }
}
