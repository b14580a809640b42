import { printable } from './style.ts'

const WIDTH = 80

/**
 * A text as lines of at most 80 columns; a longer word stays whole.
 * @param first put before the first line
 * @param rest put before each further one
 */
export function wrapped(text: string, first: string, rest = first): string {
  const lines: string[] = []
  let line = first
  let empty = true
  for (const word of printable(text).split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = rest
      empty = true
    }
    line += empty ? word : ` ${word}`
    empty = false
  }
  return [...lines, line].map((each) => `${each.trimEnd()}\n`).join('')
}
