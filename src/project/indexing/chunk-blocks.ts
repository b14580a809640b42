/** Splits lines without a grammar: at blank lines, low indentation and lines that look like a definition. */
import type { Lines } from './lines.ts'
import { LIMITS, type Unit } from './unit.ts'

/** `def take(`, `public class Queue`, `export async function run`, `sub name {`, `fun main(`. */
const DEFINITION =
  /^\s*(?:(?:export|default|public|private|protected|internal|static|final|abstract|override|open|async|pub|local|inline|sealed|data|suspend|partial)\s+)*(?:class|interface|struct|enum|trait|module|namespace|object|protocol|def|defp|defmodule|func|fun|fn|function|sub|message|service|type|create\s+(?:or\s+replace\s+)?(?:table|view|function|procedure))\s+([A-Za-z_$][\w$.]*)/i

interface Frame {
  readonly scope: readonly string[]
  readonly symbol?: string
}

/** Covers lines `start..end` (from 0, inclusive) once, in order, within the limits. */
export function splitBlocks(lines: Lines, start: number, end: number, frame: Frame = { scope: [] }): Unit[] {
  const units: Unit[] = []
  for (let from = start; from <= end; ) {
    const to = blockEnd(lines, from, end)
    const defines = frame.symbol ? [] : definitionsIn(lines, from, to)
    const symbol = frame.symbol ?? defines[0]
    units.push({ start: from, end: to, scope: frame.scope, defines, part: true, ...(symbol && { symbol }) })
    from = to + 1
  }
  return units
}

/** The last line of the block that begins at `from`: everything that fits, cut at the best place of its second half. */
function blockEnd(lines: Lines, from: number, end: number): number {
  let last = from
  while (last < end && last + 1 - from < LIMITS.lines && lines.weight(from, last + 1) <= LIMITS.weight)
    last += 1
  if (last === end) return end
  const half = lines.weight(from, last) / 2
  let best = last
  let bestScore = 0
  for (let cut = last; cut > from && lines.weight(from, cut - 1) >= half; cut -= 1) {
    const score = cutScore(lines, cut + 1)
    if (score > bestScore) {
      best = cut
      bestScore = score
    }
  }
  return best
}

/** How good it is to begin a block at this line. */
function cutScore(lines: Lines, at: number): number {
  const line = lines.line(at)
  if (line.trim() === '') return 0
  const indent = line.length - line.trimStart().length
  const afterBlank = lines.isBlank(at - 1) ? 3 : 0
  return afterBlank + (DEFINITION.test(line) ? 2 : 0) + 2 / (1 + indent) - (/^\s*[})\]]/.test(line) ? 2 : 0)
}

function definitionsIn(lines: Lines, start: number, end: number): string[] {
  const names: string[] = []
  for (let at = start; at <= end; at += 1) {
    const line = lines.line(at)
    const name = line.length < 500 ? DEFINITION.exec(line)?.[1] : undefined
    if (name) names.push(name)
  }
  return names
}
