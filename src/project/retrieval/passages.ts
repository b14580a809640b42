/** Chooses what a chat gets to read. Pure but for the token counts, which the chat model makes. */
import type { SearchHit } from '../../domain/index.ts'
import type { Passage } from '../contract.ts'
import { renderPassage } from './system-message.ts'

/** The longest passage that the shipped chat model saw in training. */
export const MAX_PASSAGE_LINES = 60
/** A first passage is cut to fit, but not below this. */
const FEWEST_LINES = 3

export interface PassageLimits {
  /** Tokens of each text, as the chat model counts. */
  readonly countTokens: (texts: readonly string[]) => Promise<number[]>
  /** Of all rendered passages together, with the empty lines between them. */
  readonly maxTokens: number
  readonly maxPassages: number
}

/**
 * The best hits that fit, best first. Chunks that touch in one file become one passage, at the place of the better
 * one; a best hit that is too long alone is cut at its end, others that do not fit are left out.
 */
export async function selectPassages(
  hits: readonly SearchHit[],
  { countTokens, maxTokens, maxPassages }: PassageLimits,
): Promise<Passage[]> {
  let chosen: Passage[] = []
  const fits = async (passages: readonly Passage[]): Promise<boolean> => {
    const [tokens] = await countTokens([
      passages.map((passage, at) => renderPassage(passage, at + 1)).join('\n\n'),
    ])
    return tokens! <= maxTokens
  }
  for (const hit of hits.slice(0, 4 * maxPassages)) {
    const passage = toPassage(hit)
    if (!passage || chosen.some((other) => covers(other, passage))) continue
    const at = chosen.findIndex((other) => touches(other, passage))
    const merged = at < 0 ? undefined : merge(chosen[at]!, passage)
    if (merged) {
      const others = chosen.filter((_, other) => other !== at)
      const grown = chosen.with(at, merged)
      if (!others.some((other) => touches(other, merged)) && (await fits(grown))) chosen = grown
    } else if (at < 0 && chosen.length < maxPassages) {
      if (await fits([...chosen, passage])) chosen = [...chosen, passage]
      else if (chosen.length === 0) {
        const cut = await shorten(passage, (shorter) => fits([shorter]))
        if (cut) chosen = [cut]
      }
    }
  }
  return chosen
}

function toPassage(hit: SearchHit): Passage | undefined {
  return trimmed(
    {
      path: hit.path,
      startLine: hit.startLine,
      endLine: hit.endLine,
      score: hit.score,
      language: hit.language,
      ...(hit.symbol === undefined ? {} : { symbol: hit.symbol }),
      text: '',
    },
    hit.text.split(/\r?\n/),
  )
}

/** A passage of these lines without empty ones at its ends, at most `MAX_PASSAGE_LINES`; nothing when all are empty. */
function trimmed(passage: Passage, lines: readonly string[]): Passage | undefined {
  const first = lines.findIndex((line) => line.trim() !== '')
  if (first < 0) return undefined
  const end = Math.min(first + MAX_PASSAGE_LINES, lines.findLastIndex((line) => line.trim() !== '') + 1)
  const kept = lines.slice(first, lines.slice(0, end).findLastIndex((line) => line.trim() !== '') + 1)
  const startLine = passage.startLine + first
  return { ...passage, startLine, endLine: startLine + kept.length - 1, text: kept.join('\n') }
}

function covers(outer: Passage, inner: Passage): boolean {
  return outer.path === inner.path && outer.startLine <= inner.startLine && inner.endLine <= outer.endLine
}

function touches(a: Passage, b: Passage): boolean {
  return a.path === b.path && a.startLine <= b.endLine + 1 && b.startLine <= a.endLine + 1
}

/** Both as one, or nothing when that is too long. */
function merge(better: Passage, other: Passage): Passage | undefined {
  const [upper, lower] = better.startLine <= other.startLine ? [better, other] : [other, better]
  const endLine = Math.max(upper.endLine, lower.endLine)
  if (endLine - upper.startLine + 1 > MAX_PASSAGE_LINES) return undefined
  const overlap = upper.endLine - lower.startLine + 1
  const lines = [...upper.text.split('\n'), ...lower.text.split('\n').slice(overlap)]
  return { ...better, startLine: upper.startLine, endLine, text: lines.join('\n') }
}

/** The longest beginning that fits, by halving. */
async function shorten(
  passage: Passage,
  fits: (passage: Passage) => Promise<boolean>,
): Promise<Passage | undefined> {
  const lines = passage.text.split('\n')
  let best: Passage | undefined
  let low = Math.min(FEWEST_LINES, lines.length)
  let high = lines.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const shorter = trimmed(passage, lines.slice(0, middle))
    if (shorter && (await fits(shorter))) {
      best = shorter
      low = middle + 1
    } else high = middle - 1
  }
  return best
}
