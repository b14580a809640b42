/** Fusion and ordering of search candidates: plain data in and out, so that benchmarks and property tests drive it. */
import type { FileRecord } from '../records.ts'
import { countWords, nameParts, needles, queryTerms, stem, textTerms } from './terms.ts'

/** What the arms found about one chunk. */
export interface Candidate {
  readonly id: number
  readonly path: string
  readonly role: FileRecord['role']
  readonly startLine: number
  readonly symbol?: string
  readonly defines: readonly string[]
  /** -1..1; absent: the chunk has no vector yet, or the query has none. */
  readonly cosine?: number
  /** BM25, not normalized, at least 0. */
  readonly bm25: number
  /** Share of the needles' characters that stand in the chunk, 0..1. */
  readonly trigram: number
}

/** A question, taken apart once. */
export interface RankQuery {
  readonly terms: readonly string[]
  /** Parts to be found letter by letter; empty for plain prose. */
  readonly needles: readonly string[]
  /** Words of the question that could be a name, lower case. */
  readonly names: ReadonlySet<string>
  /** Names and paths among the words that tell something, 0..1: 1 for `takeBatch`, little for prose that mentions a name. */
  readonly nameShare: number
  readonly aboutTests: boolean
  readonly aboutExamples: boolean
}

export interface RankWeights {
  readonly bm25: number
  readonly trigram: number
  /** Added times the question's share of names when the chunk defines one of them. */
  readonly definition: number
  /** Added times the share of the symbol's parts that the question names. */
  readonly nameOverlap: number
  /** Added times the share of the question's terms that stand in the path. */
  readonly path: number
  /** A further chunk of a file is multiplied by this once per better chunk. */
  readonly decay: number
  readonly roles: Readonly<Record<FileRecord['role'], number>>
}

/**
 * BM25, name and path follow one half of the packages of `bench/retrieval.js`; definition and trigram (for questions by
 * name, which that set lacks), decay and the roles are set by hand.
 * @public the benchmark reads it
 */
export const RANK_WEIGHTS: RankWeights = {
  bm25: 0.1,
  trigram: 0.15,
  definition: 0.2,
  nameOverlap: 0.12,
  path: 0.05,
  decay: 0.99,
  roles: { source: 1, test: 0.75, example: 0.85, generated: 0.7, declaration: 0.9, docs: 0.95, config: 0.9 },
}

/** Cosine plus a share of BM25 and nothing else, for comparison. */
export const PLAIN_WEIGHTS: RankWeights = {
  bm25: 0.1,
  trigram: 0,
  definition: 0,
  nameOverlap: 0,
  path: 0,
  decay: 1,
  roles: { source: 1, test: 1, example: 1, generated: 1, declaration: 1, docs: 1, config: 1 },
}

interface Adjustment {
  readonly name: string
  readonly value: number
}

export interface Ranked {
  readonly id: number
  readonly score: number
  /** Share of the best candidate's BM25, 0..1. */
  readonly lexical: number
  readonly adjustments: readonly Adjustment[]
}

export function readQuery(text: string): RankQuery {
  const found = needles(text)
  const terms = queryTerms(text)
  const names = new Set<string>()
  for (const needle of found)
    for (const name of needle.split(/[^\p{L}\p{N}_$]+/u)) if (name !== '') names.add(name)
  return {
    terms,
    needles: found,
    names,
    nameShare: Math.min(1, countWords(found.join(' ')) / Math.max(1, countWords(text))),
    aboutTests: /\b(tests?|tested|testing|specs?|fixtures?|mocks?)\b/i.test(text),
    aboutExamples: /\b(examples?|samples?|demos?)\b/i.test(text),
  }
}

/**
 * Best first.
 * @param candidates the union of what the arms found; a chunk at most once
 */
export function rank(
  candidates: readonly Candidate[],
  query: RankQuery,
  weights: RankWeights = RANK_WEIGHTS,
): Ranked[] {
  const maxBm25 = candidates.reduce((most, candidate) => Math.max(most, candidate.bm25), 0)
  const terms = new Set(query.terms)
  const scored = candidates.map((candidate) => {
    const lexical = maxBm25 > 0 ? candidate.bm25 / maxBm25 : 0
    const adjustments: Adjustment[] = []
    let score =
      (candidate.cosine ?? 0) + weights.bm25 * lexical + weights.trigram * candidate.trigram * query.nameShare
    const add = (name: string, value: number): void => {
      if (value === 0) return
      adjustments.push({ name, value })
      score += value
    }
    if (definesNamed(candidate, query)) add('definition', weights.definition * query.nameShare)
    add('name', weights.nameOverlap * nameOverlap(candidate, terms))
    add('path', weights.path * pathShare(candidate.path, terms))
    const factor = roleFactor(candidate.role, query, weights)
    if (factor !== 1 && score > 0) {
      adjustments.push({ name: candidate.role, value: factor })
      score *= factor
    }
    return {
      id: candidate.id,
      path: candidate.path,
      startLine: candidate.startLine,
      score,
      lexical,
      adjustments,
    }
  })
  type Scored = (typeof scored)[number]
  const order = (a: Scored, b: Scored): number =>
    b.score - a.score || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.startLine - b.startLine)
  scored.sort(order)
  const better = new Map<string, number>() // chunks of the file that came before
  for (const entry of scored) {
    const place = better.get(entry.path) ?? 0
    better.set(entry.path, place + 1)
    if (place === 0 || weights.decay === 1 || entry.score <= 0) continue
    const factor = weights.decay ** place
    entry.adjustments.push({ name: 'decay', value: factor })
    entry.score *= factor
  }
  return scored
    .sort(order)
    .map(({ id, score, lexical, adjustments }) => ({ id, score, lexical, adjustments }))
}

function definesNamed(candidate: Candidate, query: RankQuery): boolean {
  if (query.names.size === 0) return false
  const defined =
    candidate.symbol === undefined ? candidate.defines : [candidate.symbol, ...candidate.defines]
  return defined.some((name) => query.names.has(name.toLowerCase()))
}

function nameOverlap(candidate: Candidate, terms: ReadonlySet<string>): number {
  if (candidate.symbol === undefined) return 0
  const parts = nameParts(candidate.symbol).map(stem)
  return parts.length === 0 ? 0 : parts.filter((part) => terms.has(part)).length / parts.length
}

function pathShare(path: string, terms: ReadonlySet<string>): number {
  if (terms.size === 0) return 0
  const words = new Set(textTerms(path))
  let found = 0
  for (const term of terms) if (words.has(term)) found += 1
  return found / terms.size
}

function roleFactor(role: FileRecord['role'], query: RankQuery, weights: RankWeights): number {
  if (role === 'test' && query.aboutTests) return 1
  if (role === 'example' && query.aboutExamples) return 1
  return weights.roles[role]
}
