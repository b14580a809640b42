/** Why a placement stands where it stands: sentences for a person, every number in them one that decided. */
import type { Fit, MemoryNeed, PolicySpec } from '../domain/index.ts'
import { type Candidate, heldBy } from './candidates.ts'
import { projectorNeed } from './fit/index.ts'
import { useOf } from './input.ts'
import { type Rated, type Wish, wayMs } from './order.ts'
import { expectedSlow, RULES_OF_THUMB } from './rules-of-thumb.ts'
import { figure, gib, listed, percent, rate } from './say.ts'

type Fitting = Extract<Fit, { fits: true }>

/** What the policy wanted, and what it passed over for this one. */
export function whyFirst(
  chosen: Rated,
  all: readonly Rated[],
  wish: Wish,
  policy: PolicySpec,
  onBattery: boolean,
): string[] {
  const wanted = wantedBy(chosen, all, wish, policy, onBattery)
  const passed = all
    .filter((each) => each.rank < chosen.rank && (!each.inTime || !each.enough))
    .map((each) => `${where(each)} would be preferred, but ${shortfall(each, all, wish)}`)
  const short = !chosen.inTime || !chosen.enough
  return [wanted, ...passed, ...(short ? [`${shortfall(chosen, all, wish)}: nothing better fits here`] : [])]
}

function wantedBy(
  { speed, candidate, rank, inTime, enough, isSpare }: Rated,
  all: readonly Rated[],
  { kinds, goal }: Wish,
  { name }: PolicySpec,
  onBattery: boolean,
): string {
  const order = `${kinds[0]}${kinds.length > 1 ? `, then ${listed(kinds.slice(1))}` : ''}`
  const use = useOf(candidate.planned)
  if (goal === 'preference') {
    const spare = isSpare ? `; ${candidate.on.id} has no chat model, so it goes before the CPU` : ''
    return `policy ${name} prefers ${order} for ${use}${spare}`
  }
  const others = all.filter((each) => each.candidate.on.id !== candidate.on.id)
  if (goal === 'speed') {
    const next = others.find((each) => each.speed)
    const behind = next?.speed && speed ? `; next ${where(next)} with ${figure(next.speed.perSecond)}` : ''
    return `policy ${name} wants the fastest for ${use}${behind}`
  }
  const wants = `policy ${name} wants the least energy for ${use}${onBattery ? ' (on battery)' : ''}`
  const joules = speed?.joules
  if (joules === undefined) return `${wants}; its power is not measured: ${order}`
  const unit = candidate.measured?.encoder ? 'text' : 'token with its share of the prompt'
  const needs = `${wants}: ${figure(joules)} J per ${unit}`
  const [next] = others
    .filter((each) => each.inTime === inTime && each.enough === enough && each.speed?.joules !== undefined)
    .sort((a, b) => a.speed!.joules! - b.speed!.joules!)
  if (!next) return needs
  const other = figure(next.speed!.joules!)
  if (next.speed!.joules! >= joules) return `${needs}, next ${where(next)} with ${other}`
  const preferred = rank < next.rank ? `, and ${candidate.kind} is preferred` : ''
  return `${needs}; the ${other} of ${where(next)} are hardly less${preferred}`
}

/** In what a candidate is not good enough. */
function shortfall(each: Rated, all: readonly Rated[], { task }: Wish): string {
  const { candidate, alone } = each
  if (!alone && !each.inTime && wayMs(candidate) > task.maxMs)
    return `the way there and back alone takes ${figure(wayMs(candidate))} ms, ${figure(task.maxMs)} ms are wanted for ${oneOf(candidate)}`
  if (!alone)
    return expectedSlow(candidate.task, candidate.planned.model, candidate.kind) ?? 'it is not measured yet'
  if (!each.inTime)
    return `it takes ${figure(alone.ms)} ms for ${oneOf(candidate)}, ${figure(task.maxMs)} ms are wanted`
  const best = fastestOf(all)!
  return `its ${numbers(each)} are less than ${percent(task.minShare)} of ${where(best)}'s ${figure(best.alone!.perSecond)}`
}

/** The fastest one alone. */
export function fastestOf(all: readonly Rated[]): Rated | undefined {
  return all
    .filter(({ alone }) => alone)
    .reduce<Rated | undefined>(
      (best, each) => (!best || each.alone!.perSecond > best.alone!.perSecond ? each : best),
      undefined,
    )
}

function oneOf({ task }: Candidate): string {
  return task === 'chat' ? 'a token' : 'a short text'
}

/** `cpu`; with its engine where the same device is meant twice. */
function where({ candidate }: Rated): string {
  return candidate.on.id
}

function numbers({ candidate, alone }: Rated): string {
  return rate(alone!.perSecond, candidate.measured!)
}

/** What is known of a placement by itself: numbers, files, memory. */
export function whatIsKnown({ candidate, keeps }: Rated, { need, traded }: Fitting): string[] {
  const { measured, kind, on, planned, descriptor, format } = candidate
  if (on.server) return knownOfServer(candidate, need)
  const bits = planned.shape?.kind === 'encoder' && kind === 'npu' ? planned.shape.weightBits : undefined
  return [
    `${descriptor.title} reads the model's ${format} files and runs on ${candidate.where}`,
    ...(measured
      ? [speedSentence(candidate)]
      : ['not measured yet: chosen by rule of thumb', RULES_OF_THUMB[kind].why]),
    ...(measured && keeps < 1 ? [`beside what else runs it keeps ${percent(keeps)} of that`] : []),
    ...heldBy(candidate, need).map(({ on: { id, memoryBytes }, held }) => {
      const of = memoryBytes === undefined ? '' : ` of ${gib(memoryBytes)}`
      return `takes ${gib(held.deviceBytes)}${of}${candidate.shares ? ` on ${id}` : ''}`
    }),
    ...(need.draftBytes === undefined
      ? []
      : [`of that ${gib(need.draftBytes)} for its draft model with its cache (an estimate)`]),
    ...projectorSentence(candidate),
    ...traded,
    ...(bits !== undefined && bits > 8
      ? [`its weights have ${bits} bits: an NPU is fastest with 8 or 4, where such files exist`]
      : []),
  ]
}

/** An adopted server: who it is, its name of the model, and on what it computes. */
function knownOfServer(candidate: Candidate, need: MemoryNeed): string[] {
  const { on, task, model, shares } = candidate
  const { url, models, local, launch, roundTripMs } = on.server!
  const { as = model } = models.find((each) => each.task === task && each.model === model) ?? {}
  return [
    `${on.name} serves it${launch ? ', started by Tandem' : ` at ${url}`}${as === model ? '' : ` as ${as}`}`,
    ...(shares ?? []).map(
      ({ on: { id, memoryBytes } }) =>
        `takes ${gib(need.deviceBytes)}${memoryBytes === undefined ? '' : ` of ${gib(memoryBytes)}`} on ${id}, by the weights in its folder${need.kvBytes > 0 ? ` and a cache of ${gib(need.kvBytes)}` : ''} (an estimate)`,
    ),
    ...(local ? [] : ['what it is asked leaves this machine, as `servers` allows']),
    ...(roundTripMs === undefined
      ? []
      : [`measured: the way there and back takes ${figure(roundTripMs)} ms`]),
    ...(launch
      ? []
      : [
          'its speed is not measured: a benchmark would take its time and its prompt cache from who else uses it',
        ]),
  ]
}

/** Only what is started with one has it: see `fitNow`. */
function projectorSentence({ planned: { projectorBytes }, engine }: Candidate): string[] {
  if (engine !== 'openai' || !projectorBytes) return []
  return [`of that ${gib(projectorNeed({ projectorBytes }))} for its projector of images (an estimate)`]
}

function speedSentence({ measured }: Candidate): string {
  const { encoder, decoder, from, estimated } = measured!
  const label = `${from === 'profile' ? 'simulated' : 'measured'}${estimated ? ' (an estimate)' : ''}`
  if (decoder)
    return `${label}: writes ${figure(decoder.decodeTokensPerSecond)} tokens/s, reads ${figure(decoder.promptTokensPerSecond)}`
  return `${label}: ${rate(encoder?.textsPerSecond ?? 0, measured!)}`
}

/** Why a candidate does not stand beside a better one on the same device. */
export function whyOther(other: Rated, first: Rated, wish: Wish): string {
  const { candidate, alone: speed } = other // beside others they were looked at at different times
  const { task, engine, descriptor, on } = candidate
  const served = first.candidate.engine
  const there = first.alone
  if (!speed && !there)
    return `${served} serves ${task} on ${on.name}; \`placement.${task}: ${engine}\` chooses ${descriptor.title} instead (neither is measured yet)`
  if (!speed)
    return `${served} serves ${task} on ${on.name} with ${numbers(first)}; this one is not measured yet`
  if (!there) return `${served} was asked for there; this one does ${numbers(other)}`
  if (speed.perSecond < there.perSecond)
    return `slower: ${numbers(other)}, ${served} ${figure(there.perSecond)} there`
  if (!other.inTime && first.inTime)
    return `slower for ${oneOf(candidate)}: ${figure(speed.ms)} ms, ${served} ${figure(there.ms)} there`
  if (wish.goal === 'energy' && (speed.joules ?? 0) > (there.joules ?? Number.POSITIVE_INFINITY))
    return `more energy: ${figure(speed.joules!)} J, ${served} ${figure(there.joules!)} there`
  return `${served} serves ${task} there with ${numbers(first)}, this one has ${numbers(other)}`
}

/** Why a candidate takes too long even to stand in. */
export function whyTooLate(each: Rated, all: readonly Rated[], wish: Wish): string {
  return `too slow even to stand in: ${shortfall(each, all, wish)}`
}

/** Why a candidate is too slow beside the best even to stand in. */
export function whyTooSlow(each: Rated, best: Rated): string {
  const verb = each.candidate.task === 'chat' ? 'writes ' : ''
  return `slower: ${verb}${numbers(each)}, ${where(best)} ${figure(best.alone!.perSecond)}`
}
