/** Texts in llama.cpp's grammar notation (GBNF) for JSON's simple values. Each is one alternative-free expression. */

/** llama.cpp refuses 2,000 repetitions, and fewer of what has several parts. */
export const MAX_CHARS = 1000
export const MAX_ITEMS = 250
/** Digits that a double holds without loss. */
const MAX_INTEGER = 10 ** 15 - 1
/** Levels of nesting that a value of any kind may have. */
const ANY_DEPTH = 8

/** Rules that others refer to. One space after a colon or comma is allowed, no other white space: output is bounded. */
export const BASE_RULES: Readonly<Record<string, string>> = {
  ws: '" "?',
  char: String.raw`[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))`,
  string: String.raw`"\"" char* "\""`,
  integer: '"-"? ("0" | [1-9] [0-9]{0,14})',
  number: 'integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?',
  boolean: '"true" | "false"',
  scalar: 'string | number | boolean | "null"',
  date: '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8])',
  time: '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{3})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])',
  uuid: '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}',
  ...anyRules(),
}

/** Formats that are enforced; JSON schema lets the others be remarks. */
export const FORMATS: Readonly<Record<string, string>> = {
  date: String.raw`"\"" date "\""`,
  time: '""" time """',
  'date-time': String.raw`"\"" date "T" time "\""`,
  uuid: String.raw`"\"" uuid "\""`,
}

/** Rule names of any value and any object. */
export const ANY_VALUE = `any${ANY_DEPTH}`
export const ANY_OBJECT = `object${ANY_DEPTH}`

/** A fixed text. */
export function literal(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')
  return `"${escaped}"`
}

/** `item` at least `min` and at most `max` times, with commas. */
export function list(item: string, min: number, max: number): string {
  if (max === 0) return '""'
  const more = max === Infinity ? `{${Math.max(min - 1, 0)},}` : `{${Math.max(min - 1, 0)},${max - 1}}`
  const some = `${item} ("," ws ${item})${more}`
  return min === 0 ? `(${some})?` : some
}

/** Integers from `low` to `high`, both included and perhaps infinite; undefined when there is none. */
export function integerRange(low: number, high: number): string | undefined {
  const from = Math.max(Math.ceil(low), -MAX_INTEGER)
  const to = Math.min(Math.floor(high), MAX_INTEGER)
  if (from > to) return undefined
  const parts: string[] = []
  if (from < 0) parts.push(`"-" (${digits(Math.max(1, -to), -from)})`)
  if (to >= 0) parts.push(digits(Math.max(0, from), to))
  return `(${parts.join(' | ')})`
}

/** Numbers within bounds: integers, and fractions that lie strictly between two allowed integers. */
export function numberRange(
  low: number,
  high: number,
  openLow: boolean,
  openHigh: boolean,
): string | undefined {
  const whole = integerRange(
    openLow && Number.isInteger(low) ? low + 1 : low,
    openHigh && Number.isInteger(high) ? high - 1 : high,
  )
  const fraction = '"." [0-9]{0,14} [1-9]'
  const above = integerRange(Math.max(0, low), Math.floor(high) - 1)
  const below = integerRange(Math.max(0, -high), Math.floor(-low) - 1)
  const parts = [whole, above && `${above} ${fraction}`, below && `"-" ${below} ${fraction}`].filter(
    (part) => part !== undefined,
  )
  return parts.length === 0 ? undefined : `(${parts.join(' | ')})`
}

/** Decimal numbers from `low` to `high`, 0 <= low <= high, without leading zeros. */
function digits(low: number, high: number): string {
  const parts: string[] = []
  for (let length = String(low).length; length <= String(high).length; length++) {
    const first = Math.max(low, length === 1 ? 0 : 10 ** (length - 1))
    const last = Math.min(high, 10 ** length - 1)
    parts.push(sameLength(String(first), String(last)))
  }
  return parts.join(' | ')
}

/** Numbers between two of the same number of digits. */
function sameLength(low: string, high: string): string {
  if (low === '') return '""'
  const rest = low.length - 1
  if (low.slice(1) === '0'.repeat(rest) && high.slice(1) === '9'.repeat(rest))
    return `${digit(low[0]!, high[0]!)}${rest > 0 ? ` [0-9]{${rest}}` : ''}`
  if (low[0] === high[0]) return `"${low[0]}" (${sameLength(low.slice(1), high.slice(1))})`
  const parts = [`"${low[0]}" (${sameLength(low.slice(1), '9'.repeat(rest))})`]
  if (Number(high[0]) - Number(low[0]) > 1)
    parts.push(`${digit(String(Number(low[0]) + 1), String(Number(high[0]) - 1))} [0-9]{${rest}}`)
  parts.push(`"${high[0]}" (${sameLength('0'.repeat(rest), high.slice(1))})`)
  return parts.join(' | ')
}

function digit(from: string, to: string): string {
  return from === to ? `"${from}"` : `[${from}-${to}]`
}

function anyRules(): Record<string, string> {
  const rules: Record<string, string> = { any0: 'scalar' }
  for (let depth = 1; depth <= ANY_DEPTH; depth++) {
    const inner = `any${depth - 1}`
    rules[`object${depth}`] = `"{" (string ":" ws ${inner} ("," ws string ":" ws ${inner})*)? "}"`
    rules[`array${depth}`] = `"[" (${inner} ("," ws ${inner})*)? "]"`
    rules[`any${depth}`] = `scalar | object${depth} | array${depth}`
  }
  return rules
}
