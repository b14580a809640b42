/** A run of lines on its way to become a chunk; lines are counted from 0, inclusive. */
export interface Unit {
  readonly start: number
  readonly end: number
  readonly symbol?: string
  readonly scope: readonly string[]
  readonly defines: readonly string[]
  /** A piece of something too long for one chunk, or loose lines: joins its neighbours up to the limit. */
  readonly part: boolean
}

/** Limits of a chunk; a single longer line is a chunk of its own. */
export const LIMITS = {
  lines: 60,
  /** Characters without indentation: about 256 tokens of code. */
  weight: 1000,
  /** Small neighbours are joined up to this, so that one larger function stays alone. */
  joinedWeight: 400,
} as const
