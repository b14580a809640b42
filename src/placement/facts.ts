import type { Measurement, PlacementRef } from '../domain/index.ts'
import type { PlannerInput } from './input.ts'
import { deviceOf } from './pin.ts'

/** A placement by the names under which facts of it are kept; made once, looked up often. */
export interface Known {
  /** Of the placement. */
  readonly key: string
  /** Of its model on its device, whatever the engine. */
  readonly place: string
}

export function knownAs({ task, model, engine, device }: PlacementRef): Known {
  const place = `${task}:${model}:${device}`
  return { key: `${engine}:${place}`, place }
}

/** What was measured and tried, found by placement. */
export interface Facts {
  measured(one: Known): Measurement | undefined
  /** Why it may not serve. */
  refused(one: Known): string | undefined
  /**
   * Share of its speed that a placement keeps while the other works, 0..1. Where this pair was not measured, the least of the same
   * models on the same devices: what engines take from each other there is alike, and one must not win by being unknown.
   */
  keeps(one: Known, other: Known): number | undefined
}

type Shares = Map<string, Map<string, number>>

export function factsOf({
  devices,
  measurements = [],
  refusals = [],
  interference = [],
}: PlannerInput): Facts {
  // a pinned worker calls its device as the user does
  const byId = <R extends PlacementRef>(ref: R): R => {
    const isVirtual = ref.device.includes(':')
    return { ...ref, device: (isVirtual ? undefined : deviceOf(ref, devices)?.id) ?? ref.device }
  }
  const measured = new Map(measurements.map((each) => [knownAs(each).key, each]))
  const refused = new Map(refusals.map((each) => [knownAs(byId(each)).key, each.reason]))
  const pairs: Shares = new Map()
  const alike: Shares = new Map()
  const note = (one: Known, other: Known, share: number) => {
    of(pairs, one.key).set(other.key, share)
    const places = of(alike, one.place)
    places.set(other.place, Math.min(share, places.get(other.place) ?? 1))
  }
  for (const { first, second, firstKeeps, secondKeeps } of interference) {
    const [one, other] = [knownAs(first), knownAs(second)]
    note(one, other, firstKeeps)
    note(other, one, secondKeeps)
  }
  return {
    measured: ({ key }) => measured.get(key),
    refused: ({ key }) => refused.get(key),
    keeps: (one, other) => pairs.get(one.key)?.get(other.key) ?? alike.get(one.place)?.get(other.place),
  }
}

function of(shares: Shares, name: string): Map<string, number> {
  const found = shares.get(name) ?? new Map<string, number>()
  shares.set(name, found)
  return found
}

/** Tokens of a prompt for each that is written: passages of a project make it several times as long (an estimate). */
const PROMPT_SHARE = 4

export interface Speed {
  /** Texts, or tokens written, per second, beside what is placed already. */
  readonly perSecond: number
  /** Of one short text alone, or of one token written. */
  readonly ms: number
  /** Of one text, or of one token written and its share of the prompt; only where power was measured. */
  readonly joules?: number
}

/** @param keeps share of its speed alone, 0..1 */
export function speedOf({ encoder, decoder, watts }: Measurement, keeps = 1): Speed | undefined {
  const alone = encoder?.textsPerSecond ?? decoder?.decodeTokensPerSecond
  if (alone === undefined) return undefined
  const msAlone = encoder ? shortTextMs(encoder.buckets, 1000 / alone) : 1000 / alone
  const seconds = 1 / alone + (decoder ? PROMPT_SHARE / decoder.promptTokensPerSecond : 0)
  const joules = watts === undefined || !Number.isFinite(seconds) ? {} : { joules: watts * seconds }
  return { perSecond: alone * keeps, ms: msAlone / keeps, ...joules }
}

/** The shortest bucket, one text alone where that was measured. */
function shortTextMs(
  buckets: readonly { readonly tokens: number; readonly batch: number; readonly msPerText: number }[],
  otherwise: number,
): number {
  const [first] = [...buckets].sort((a, b) => a.batch - b.batch || a.tokens - b.tokens)
  return first?.msPerText ?? otherwise
}
