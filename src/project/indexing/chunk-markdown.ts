/** Splits Markdown at its headings; the path of headings is the scope. */
import { splitBlocks } from './chunk-blocks.ts'
import type { Lines } from './lines.ts'
import { LIMITS, type Unit } from './unit.ts'

const HEADING = /^ {0,3}(#{1,6})\s+(.+?)\s*#*\s*$/
const FENCE = /^ {0,3}(`{3,}|~{3,})/
const MAX_HEADING = 200

export function splitMarkdown(lines: Lines): Unit[] {
  const units: Unit[] = []
  const path: { level: number; title: string }[] = []
  let start = 0
  let fence: string | undefined
  const close = (end: number): void => {
    if (end < start) return
    const scope = path.slice(0, -1).map((heading) => heading.title)
    const symbol = path.at(-1)?.title
    units.push(...section(lines, start, end, scope, symbol))
    start = end + 1
  }
  for (let at = 0; at < lines.count; at += 1) {
    const line = lines.line(at)
    const mark = FENCE.exec(line)?.[1]
    if (fence) {
      if (mark?.startsWith(fence) && line.trim() === mark) fence = undefined
      continue
    }
    if (mark) fence = mark
    const heading = line.length <= MAX_HEADING ? HEADING.exec(line) : null
    if (!heading) continue
    close(at - 1)
    const level = heading[1]!.length
    while (path.length > 0 && path.at(-1)!.level >= level) path.pop()
    path.push({ level, title: heading[2]! })
  }
  close(lines.count - 1)
  return units
}

function section(
  lines: Lines,
  start: number,
  end: number,
  scope: readonly string[],
  symbol?: string,
): Unit[] {
  const named = symbol === undefined ? {} : { symbol }
  const defines = symbol === undefined ? [] : [symbol]
  if (end - start < LIMITS.lines && lines.weight(start, end) <= LIMITS.weight)
    return [{ start, end, scope, defines, part: false, ...named }]
  return splitBlocks(lines, start, end, { scope, symbol: symbol ?? '' }).map((unit, at) => ({
    ...unit,
    defines: at === 0 ? defines : [],
    ...named,
  }))
}
