import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CharacterJoiner, StopScanner } from './text-stream.ts'

const decoder = new TextDecoder()
const joiner = () => new CharacterJoiner<number>((bytes) => decoder.decode(Uint8Array.from(bytes)))

describe('CharacterJoiner', () => {
  test('never shows half a character, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const join = joiner()
        const pieces = [...Buffer.from(text, 'utf8')].map((byte) => join.push(byte))
        // a lone surrogate would become U+FFFD
        expect(pieces.map((piece) => Buffer.from(piece, 'utf8').toString('utf8'))).toEqual(pieces)
        expect(pieces.join('') + join.flush()).toBe(Buffer.from(text, 'utf8').toString('utf8'))
      }),
    )
  })

  test('shows bytes that never become a character as U+FFFD, and what follows them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const join = joiner()
        const shown = [...bytes].map((byte) => join.push(byte)).join('') + join.flush()
        expect(shown).toBe(decoder.decode(bytes))
      }),
    )
  })

  test('shows the whole part of a token that ends inside a character', () => {
    const join = new CharacterJoiner<readonly number[]>((tokens) =>
      decoder.decode(Uint8Array.from(tokens.flat())),
    )
    expect(join.push([0x61, 0x62, 0xf0, 0x9f])).toBe('ab')
    expect(join.push([0x98])).toBe('')
    expect(join.push([0x80, 0x63])).toBe('😀c')
  })
})

describe('StopScanner', () => {
  test('shows exactly the text before the earliest stop string, however it is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '😀'), maxLength: 30 })
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '😀'), minLength: 2, maxLength: 4 }), {
      maxLength: 3,
    })
    fc.assert(
      fc.property(letters, stops, (text, list) => {
        const scanner = new StopScanner(list)
        let shown = ''
        for (const piece of text) {
          shown += scanner.push(piece)
          if (scanner.hit) break
          for (const stop of list) expect(shown.includes(stop)).toBe(false)
        }
        if (!scanner.hit) shown += scanner.flush()
        const ends = list
          .map((stop) => text.indexOf(stop) + stop.length)
          .filter((_, i) => text.includes(list[i]!))
        if (ends.length === 0) {
          expect(shown).toBe(text)
          return
        }
        // the stop string that is complete first ends the text
        const first = Math.min(...ends)
        const hits = list.filter((stop) => text.slice(0, first).endsWith(stop)).map((s) => first - s.length)
        expect(shown).toBe(text.slice(0, Math.min(...hits)))
      }),
    )
  })

  test('gives back what only looked like a stop string', () => {
    const scanner = new StopScanner(['</end>'])
    expect(scanner.push('a</en')).toBe('a')
    expect(scanner.push('tity>')).toBe('</entity>')
  })

  test('ignores empty stop strings', () => {
    const scanner = new StopScanner([''])
    expect(scanner.push('a')).toBe('a')
  })
})
