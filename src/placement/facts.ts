import type { Measurement, PlacementRef } from '../domain/index.ts'
import type { PlannerInput } from './input.ts'

/** What was measured and tried, found by placement. */
export interface Facts {
  measured(ref: PlacementRef): Measurement | undefined
  /** Why it may not serve. */
  refused(ref: PlacementRef): string | undefined
  /**
   * Share of its speed that a placement keeps while the other works, 0..1. Where this pair was not measured, the least of the same
   * models on the same devices: what engines take from each other there is alike, and one must not win by being unknown.
   */
  keeps(ref: PlacementRef, other: PlacementRef): number | undefined
}

const key = ({ task, model, engine, device }: PlacementRef): string => `${task}:${model}:${engine}:${device}`
const place = ({ task, model, device }: PlacementRef): string => `${task}:${model}:${device}`

export function factsOf({ measurements = [], refusals = [], interference = [] }: PlannerInput): Facts {
  const measured = new Map(measurements.map((each) => [key(each), each]))
  const refused = new Map(refusals.map((each) => [key(each), each.reason]))
  const pairs = new Map<string, number>()
  const alike = new Map<string, number>()
  const note = (ref: PlacementRef, other: PlacementRef, share: number) => {
    pairs.set(`${key(ref)} ${key(other)}`, share)
    const kind = `${place(ref)} ${place(other)}`
    alike.set(kind, Math.min(share, alike.get(kind) ?? 1))
  }
  for (const { first, second, firstKeeps, secondKeeps } of interference) {
    note(first, second, firstKeeps)
    note(second, first, secondKeeps)
  }
  return {
    measured: (ref) => measured.get(key(ref)),
    refused: (ref) => refused.get(key(ref)),
    keeps: (ref, other) =>
      pairs.size === 0
        ? undefined
        : (pairs.get(`${key(ref)} ${key(other)}`) ?? alike.get(`${place(ref)} ${place(other)}`)),
  }
}

export interface Speed {
  /** Texts, or tokens written, per second, beside what is placed already. */
  readonly perSecond: number
  /** Of one short text alone, or of one token written. */
  readonly ms: number
  /** Of one text or token; only where power was measured. */
  readonly joules?: number
}

/** @param keeps share of its speed alone, 0..1 */
export function speedOf({ encoder, decoder, watts }: Measurement, keeps = 1): Speed | undefined {
  const alone = encoder?.textsPerSecond ?? decoder?.decodeTokensPerSecond
  if (alone === undefined) return undefined
  const msAlone = encoder ? shortTextMs(encoder.buckets, 1000 / alone) : 1000 / alone
  const joules = watts === undefined || alone <= 0 ? {} : { joules: watts / alone }
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
