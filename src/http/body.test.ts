import { describe, expect, test } from 'vitest'
import { jsonDepth, MAX_JSON_DEPTH, parseJsonBody } from './body.ts'

const bytes = (text: string) => Buffer.from(text, 'utf8')

describe('depth', () => {
  test.each([
    ['1', 0],
    ['{}', 1],
    ['[{"a":[]}]', 3],
    ['"[[[["', 0],
    ['{"a":"\\"[[[","b":[]}', 2],
    ['{"a":"\\\\","b":[[]]}', 3],
    ['[],[],[]', 1],
    ['"[[ unterminated', 0],
  ])('%s has %i levels', (text, depth) => {
    expect(jsonDepth(bytes(text), 100)).toBe(depth)
  })

  test('counting stops past the limit', () => {
    expect(jsonDepth(bytes('['.repeat(1000)), 10)).toBe(11)
  })
})

describe('parsing', () => {
  test('a body is parsed, with or without a byte order mark', () => {
    expect(parseJsonBody(bytes('{"a":"ä\\u0000"}'))).toEqual({ a: 'ä\u0000' })
    expect(parseJsonBody(bytes('\ufeff[1]'))).toEqual([1])
    expect(parseJsonBody(bytes(''))).toBeUndefined()
  })

  test('the deepest allowed body passes', () => {
    const nested = '['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH)
    expect(() => parseJsonBody(bytes(nested))).not.toThrow()
  })

  test.each([
    ['malformed', bytes('{"a":'), /not valid JSON/],
    ['two values', bytes('{} {}'), /not valid JSON/],
    ['NaN', bytes('{"a":NaN}'), /not valid JSON/],
    ['a raw NUL', bytes('{"a":"\0"}'), /not valid JSON/],
    ['Latin-1', Buffer.from('{"a":"\xe4"}', 'latin1'), /UTF-8/],
    ['a lone surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /UTF-8/],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), /not valid JSON/],
    ['deep', bytes('['.repeat(100_000)), /deeper than 128/],
  ])('%s is refused', (_, body, message) => {
    expect(() => parseJsonBody(body)).toThrow(message)
  })
})
