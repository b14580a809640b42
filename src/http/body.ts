/** Bytes of a request body to a value: UTF-8, depth and JSON are checked before anything looks at it. */
import { isUtf8 } from 'node:buffer'
import { TandemError } from '../domain/index.ts'

/** Arrays and objects inside each other; deeper bodies are refused before they are parsed. */
export const MAX_JSON_DEPTH = 128

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Index after the string that starts at `start` (its opening quote). */
function afterString(bytes: Buffer, start: number): number {
  let end = start
  for (;;) {
    end = bytes.indexOf(QUOTE, end + 1)
    if (end === -1) return bytes.length
    let escapes = 0
    while (bytes[end - 1 - escapes] === BACKSLASH) escapes += 1
    if (escapes % 2 === 0) return end + 1
  }
}

/** Deepest nesting of brackets outside strings; stops counting past `limit`. */
export function jsonDepth(bytes: Buffer, limit: number): number {
  let depth = 0
  let deepest = 0
  for (let i = 0; i < bytes.length; ) {
    const byte = bytes[i]!
    if (byte === QUOTE) {
      i = afterString(bytes, i)
      continue
    }
    if (byte === 0x5b || byte === 0x7b) {
      depth += 1
      if (depth > deepest) deepest = depth
      if (deepest > limit) return deepest
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1
    i += 1
  }
  return deepest
}

/**
 * @returns the value; undefined for an empty body
 * @throws TandemError INVALID_JSON
 */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  if (!isUtf8(bytes)) throw new TandemError('INVALID_JSON', { why: 'it is not valid UTF-8' })
  // a shorter one cannot be
  if (bytes.length > 2 * MAX_JSON_DEPTH && jsonDepth(bytes, MAX_JSON_DEPTH) > MAX_JSON_DEPTH)
    throw new TandemError('INVALID_JSON', { why: `it is nested deeper than ${MAX_JSON_DEPTH} levels` })
  const text = bytes.toString('utf8')
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new TandemError('INVALID_JSON', { why: why.slice(0, 200) }, { cause: thrown })
  }
}
