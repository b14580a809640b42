import type { PairPart } from './pair-template.ts'

/** A query and a text as one input. */
export interface EncodedPair {
  readonly ids: readonly number[]
  /** Token type (segment) of each id. */
  readonly types: readonly number[]
  /** The query or the text had more tokens than were taken. */
  readonly truncated: boolean
}

/** Tokens that the template adds. */
export function addedTokens(template: readonly PairPart[]): number {
  return template.reduce((sum, part) => sum + ('ids' in part ? part.ids.length : 0), 0)
}

/**
 * Puts two token lists into a template. The text is cut first; the query only where it alone takes more than half of
 * the room, and then to what the text leaves of it, half at least.
 * @param room tokens for both, the template's own not counted
 * @param maxText tokens of the text alone
 */
export function joinPair(
  template: readonly PairPart[],
  query: readonly number[],
  text: readonly number[],
  room: number,
  maxText: number,
): EncodedPair {
  const wanted = Math.min(text.length, maxText)
  const queryTokens = Math.min(query.length, Math.max(Math.ceil(room / 2), room - wanted))
  const textTokens = Math.min(wanted, room - queryTokens)
  const ids: number[] = []
  const types: number[] = []
  for (const part of template) {
    const [from, end] =
      'ids' in part
        ? [part.ids, part.ids.length]
        : part.text === 'A'
          ? [query, queryTokens]
          : [text, textTokens]
    for (let i = 0; i < end; i++) {
      ids.push(from[i]!)
      types.push(part.type)
    }
  }
  return { ids, types, truncated: queryTokens < query.length || textTokens < text.length }
}
