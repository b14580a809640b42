/** Whether live traffic still agrees with a measurement. Pure. */
import type { Measurement } from '../../domain/index.ts'

/** What live traffic showed of a placement. */
export type LiveFigure =
  | {
      /** Encoders: a call of `batch` texts of about `tokens` tokens each. */
      readonly kind: 'encoder'
      readonly tokens: number
      readonly batch: number
      readonly msPerText: number
    }
  | { readonly kind: 'decoder'; readonly decodeTokensPerSecond: number }

/** A running figure of live traffic against a measurement. */
export interface Drift {
  readonly samples: number
  /** Logarithm of live speed over measured speed. */
  readonly logRatio: number
}

export const NO_DRIFT: Drift = { samples: 0, logRatio: 0 }

const ENOUGH_SAMPLES = 50
/** Weight of a new sample once there are enough: single slow answers do not count. */
const WEIGHT = 0.05
/** Live speed may be so much lower or higher than the measured one. */
const TOLERANCE = 0.3
/** A text this much shorter than a bucket is not compared with it. */
const MIN_FILL = 0.75
/** Texts of one call from which on it is compared with a batch. */
const MIN_BATCH = 6
const MAX_BATCH = 16

/** @returns live speed over measured speed; undefined where nothing comparable was measured */
export function speedRatio(live: LiveFigure, { encoder, decoder }: Measurement): number | undefined {
  if (live.kind === 'decoder') return decoder && live.decodeTokensPerSecond / decoder.decodeTokensPerSecond
  const batch = live.batch === 1 ? 1 : live.batch >= MIN_BATCH && live.batch <= MAX_BATCH ? 8 : undefined
  const bucket = encoder?.buckets.find(
    (each) => each.batch === batch && live.tokens <= each.tokens && live.tokens >= each.tokens * MIN_FILL,
  )
  return bucket && bucket.msPerText / live.msPerText
}

/** @param ratio live speed over measured speed */
export function noteRatio({ samples, logRatio }: Drift, ratio: number): Drift {
  if (!Number.isFinite(ratio) || ratio <= 0) return { samples, logRatio }
  const weight = Math.max(WEIGHT, 1 / (samples + 1)) // a plain mean at first
  return { samples: samples + 1, logRatio: logRatio + weight * (Math.log(ratio) - logRatio) }
}

export function hasDrifted({ samples, logRatio }: Drift): boolean {
  const ratio = Math.exp(logRatio)
  return samples >= ENOUGH_SAMPLES && (ratio < 1 - TOLERANCE || ratio > 1 + TOLERANCE)
}
