/** Splits a text along its syntax tree, at line granularity: what fits stays whole, what does not is split by its children. */
import type { SgNode } from '@ast-grep/napi'
import { splitBlocks } from './chunk-blocks.ts'
import { type Definition, definitionOf, isComment, isLeading, isTransparent } from './grammar.ts'
import type { Lines } from './lines.ts'
import { LIMITS, type Unit } from './unit.ts'

/** Deeper trees are split by lines from there on. */
const MAX_DEPTH = 100
const MAX_DEFINES = 50
/** Nodes looked at for names in one group; a table of 10,000 constants needs no more. */
const MAX_VISITS = 500

interface Frame {
  readonly scope: readonly string[]
  /** The definition whose pieces these are, while it is split. */
  readonly inside?: Definition
  readonly depth: number
}

/** Neighbouring nodes that share lines or belong together, and the largest of them. */
interface Group {
  start: number
  end: number
  readonly nodes: SgNode[]
  main: SgNode | undefined
  mainSpan: number
  /** Only comments and decorators so far: the next node joins when no blank line parts them. */
  leading: boolean
  comments: boolean
}

export function splitTree(lines: Lines, root: SgNode): Unit[] {
  return splitRange(lines, 0, lines.count - 1, root, { scope: [], depth: 0 })
}

/** Covers `start..end` once, in order, by the children of `node`. */
function splitRange(lines: Lines, start: number, end: number, node: SgNode, frame: Frame): Unit[] {
  if (frame.depth > MAX_DEPTH) return blocks(lines, start, end, frame)
  const groups = groupChildren(node, start, end)
  if (groups.length === 0) return blocks(lines, start, end, frame)
  const units: Unit[] = []
  // Lines before the first child (a class's own line and comment) stay with an only child, else stand first.
  if (groups.length === 1) groups[0]!.start = start
  else if (groups[0]!.start > start) units.push(...header(lines, start, groups[0]!.start - 1, frame))
  for (const [at, group] of groups.entries()) {
    const until = (groups[at + 1]?.start ?? end + 1) - 1
    units.push(...splitGroup(lines, group, until, frame))
  }
  return units
}

function splitGroup(lines: Lines, group: Group, end: number, frame: Frame): Unit[] {
  const { start, main } = group
  if (end - start < LIMITS.lines && lines.weight(start, end) <= LIMITS.weight)
    return [whole(group, end, frame)]
  if (!main || group.mainSpan === 0) return blocks(lines, start, end, frame)
  const definition = definitionOf(main)
  if (!definition) return splitRange(lines, start, end, main, { ...frame, depth: frame.depth + 1 })
  const scope = [...frame.scope, ...definition.outer, definition.name]
  return splitRange(lines, start, end, main, { scope, inside: definition, depth: frame.depth + 1 })
}

function whole(group: Group, end: number, frame: Frame): Unit {
  const found = collect(group.nodes, frame)
  const first = found[0]
  const part = frame.inside?.callable === true && found.length === 0
  const symbol = first?.name ?? frame.inside?.name
  const scope = first ? [...frame.scope, ...first.outer] : frame.scope
  const defines = [...new Set(found.map((definition) => definition.name))]
  return { start: group.start, end, scope, defines, part, ...(symbol && { symbol }) }
}

/** The opening lines of a definition that is split: its comment, decorators and signature. */
function header(lines: Lines, start: number, end: number, frame: Frame): Unit[] {
  const units = blocks(lines, start, end, frame)
  return units.map((unit, at) =>
    at === units.length - 1 && frame.inside ? { ...unit, defines: [frame.inside.name] } : unit,
  )
}

function blocks(lines: Lines, start: number, end: number, frame: Frame): Unit[] {
  const symbol = frame.inside?.name ?? ''
  const part = frame.inside?.callable !== false
  return splitBlocks(lines, start, end, { scope: frame.scope, symbol }).map((unit) => ({ ...unit, part }))
}

function groupChildren(node: SgNode, start: number, end: number): Group[] {
  const groups: Group[] = []
  for (const child of node.children()) {
    const range = child.range()
    // Some grammars count the newline to a line comment.
    const last =
      range.end.column === 0 && range.end.line > range.start.line ? range.end.line - 1 : range.end.line
    const from = Math.max(range.start.line, start)
    const to = Math.min(last, end)
    const kind = String(child.kind())
    if (to < from || (!child.isNamed() && /^\W*$/.test(kind) && from === to && !groups.at(-1))) continue
    const group = groups.at(-1)
    if (group && (from <= group.end || joinsLeading(group, from) || isCloser(child, kind)))
      grow(group, child, kind, from, to)
    else groups.push(newGroup(child, kind, from, to))
  }
  return groups
}

function joinsLeading(group: Group, from: number): boolean {
  return group.leading && (from <= group.end + 1 || !group.comments)
}

/** Brackets, commas and semicolons never begin a chunk. */
function isCloser(child: SgNode, kind: string): boolean {
  return !child.isNamed() && /^[^\w#@]+$/.test(kind)
}

function newGroup(child: SgNode, kind: string, start: number, end: number): Group {
  const leading = isLeading(kind)
  return {
    start,
    end,
    nodes: [child],
    main: child,
    mainSpan: end - start,
    leading,
    comments: isComment(kind),
  }
}

function grow(group: Group, child: SgNode, kind: string, from: number, to: number): void {
  // A comment behind code on its line belongs to that code.
  const trailing = !group.leading && isComment(kind)
  group.nodes.push(child)
  group.end = Math.max(group.end, to)
  if (to - from > group.mainSpan || (group.leading && !isLeading(kind))) {
    group.main = child
    group.mainSpan = to - from
  }
  if (!trailing && !isLeading(kind)) group.leading = false
  if (isComment(kind)) group.comments = true
}

/** Names that these nodes define, outermost first, without what is local to a function. */
function collect(nodes: readonly SgNode[], frame: Frame): Definition[] {
  const found: Definition[] = []
  let visits = 0
  const visit = (node: SgNode, depth: number): void => {
    if (++visits > MAX_VISITS || found.length >= MAX_DEFINES || depth > 12) return
    const definition = definitionOf(node)
    const local = frame.inside?.callable === true && definition && !definition.callable
    if (definition && !local) found.push(definition)
    if (definition?.callable) return
    if (definition || isTransparent(String(node.kind())))
      for (const child of node.namedChildren())
        if (definition || worthVisiting(child)) visit(child, depth + 1)
  }
  for (const node of nodes) visit(node, 0)
  return found
}

function worthVisiting(node: SgNode): boolean {
  return isTransparent(String(node.kind())) || definitionOf(node) !== undefined
}
