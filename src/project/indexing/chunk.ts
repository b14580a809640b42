import { createHash } from 'node:crypto'
import type { ChunkRecord } from '../records.ts'
import { splitBlocks } from './chunk-blocks.ts'
import { splitMarkdown } from './chunk-markdown.ts'
import { splitTree } from './chunk-tree.ts'
import { embedTextOf } from './embed-text.ts'
import { parseText } from './grammar.ts'
import { splitterOf } from './languages.ts'
import { Lines } from './lines.ts'
import { LIMITS, type Unit } from './unit.ts'

/** Raised when chunks or the role of the same file change: an index made by another version is chunked again. */
export const CHUNKER_VERSION = 2

/** A parser takes seconds to recover from some longer lines, and a line is never split. */
const MAX_PARSED_LINE = 20_000

/**
 * Splits a text into chunks that cover every line exactly once, in order, each within LIMITS
 * (60 lines, 1000 characters without indentation) unless it is a single line.
 * @param language as `languageOf` names it; an unknown one is split by lines
 */
export function chunkText(text: string, language: string): ChunkRecord[] {
  const lines = new Lines(text)
  if (lines.count === 0) return []
  return join(lines, split(lines, text, language)).map((unit) => record(lines, unit))
}

function split(lines: Lines, text: string, language: string): Unit[] {
  const splitter = splitterOf(language)
  if (splitter === 'markdown') return splitMarkdown(lines)
  if (splitter === 'lines' || lines.longest > MAX_PARSED_LINE) return splitBlocks(lines, 0, lines.count - 1)
  try {
    return splitTree(lines, parseText(splitter.grammar, text))
  } catch {
    return splitBlocks(lines, 0, lines.count - 1) // no grammar on this system, or it gave up on this text
  }
}

/** Joins small neighbours of one scope: pieces of one function up to the limit, definitions only while tiny. */
function join(lines: Lines, units: readonly Unit[]): Unit[] {
  const joined: Unit[] = []
  for (const unit of units) {
    const last = joined.at(-1)
    if (last && mayJoin(lines, last, unit)) joined[joined.length - 1] = merge(last, unit)
    else joined.push(unit)
  }
  return joined
}

function mayJoin(lines: Lines, a: Unit, b: Unit): boolean {
  const shared = commonPrefix(a.scope, b.scope).length
  if (shared < Math.min(a.scope.length, b.scope.length)) return false
  const limit = a.part && b.part && a.symbol === b.symbol ? LIMITS.weight : LIMITS.joinedWeight
  return b.end - a.start < LIMITS.lines && lines.weight(a.start, b.end) <= limit
}

function merge(a: Unit, b: Unit): Unit {
  const symbol = a.defines.length > 0 || b.defines.length === 0 ? (a.symbol ?? b.symbol) : b.symbol
  return {
    start: a.start,
    end: b.end,
    scope: commonPrefix(a.scope, b.scope),
    defines: [...new Set([...a.defines, ...b.defines])],
    part: a.part && b.part,
    ...(symbol && { symbol }),
  }
}

function commonPrefix(a: readonly string[], b: readonly string[]): readonly string[] {
  let shared = 0
  while (shared < a.length && a[shared] === b[shared]) shared += 1
  return shared === a.length ? a : a.slice(0, shared)
}

function record(lines: Lines, unit: Unit): ChunkRecord {
  const text = lines.text(unit.start, unit.end)
  const embedText = embedTextOf(text, unit.scope, unit.symbol)
  return {
    startLine: unit.start + 1,
    endLine: unit.end + 1,
    ...(unit.symbol && { symbol: unit.symbol }),
    scope: unit.scope,
    defines: unit.defines,
    text,
    embedText,
    hash: createHash('sha256').update(embedText).digest('hex'),
  }
}
