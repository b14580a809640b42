import { BoundedCache } from './bounded-cache.ts'

const SPACE = 0
const LETTER_OR_DIGIT = 1
const SIGN = 2
/** Control characters and everything beyond ASCII. */
const OTHER = 3

/** What a character code below 128 is to BERT's pre-tokenizer. */
const CLASS = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  if (/[ \t\n\r]/.test(char)) return SPACE // form feed and the rest are control characters: removed, not split at
  if (/[a-zA-Z0-9]/.test(char)) return LETTER_OR_DIGIT
  return code > 32 && code < 127 ? SIGN : OTHER
})

/** Longer pieces are seldom met again. */
const MAX_CACHED_LENGTH = 64
const MAX_CACHED_PIECES = 65_536
const MAX_CACHED_WORDS = 16_384
/** A stretch without white space of more characters is encoded only as far as its tokens are wanted. */
const LONG_WORD = 4_096
/** Most tokens that the end of a cut stretch can change: its last word, decomposed. */
const CUT_TOKENS = 512

/**
 * Encodes text for a tokenizer with BERT's normalizer and pre-tokenizer. Runs of ASCII letters and digits and single ASCII
 * signs are encoded once and remembered; a stretch with anything else in it goes to the library as a whole.
 */
export class WordEncoder {
  readonly #library: (text: string) => readonly number[]
  readonly #added: readonly string[]
  readonly #pieces = new BoundedCache<readonly number[]>(MAX_CACHED_PIECES)
  readonly #words = new BoundedCache<readonly number[]>(MAX_CACHED_WORDS)
  readonly #signs: readonly (readonly number[])[]

  /**
   * @param library prepares and encodes a text, without special tokens
   * @param added tokens that are found in the text before anything else, ASCII signs and letters only
   */
  constructor(library: (text: string) => readonly number[], added: readonly string[]) {
    this.#library = library
    this.#added = added
    this.#signs = Array.from({ length: 128 }, (_, code) =>
      CLASS[code] === SIGN ? library(String.fromCharCode(code)) : [],
    )
  }

  /** The first tokens of `text`: all of them, or at least `enough`. */
  encode(text: string, enough: number): number[] {
    const added = this.#added.filter((token) => text.includes(token))
    const ids: number[] = []
    let start = 0
    while (start < text.length && ids.length < enough) {
      if (CLASS[text.charCodeAt(start)] === SPACE) {
        start++
        continue
      }
      let end = start
      let plain = true
      for (; end < text.length; end++) {
        const kind = CLASS[text.charCodeAt(end)] ?? OTHER
        if (kind === SPACE) break
        if (kind === OTHER) plain = false
      }
      if (plain && added.length > 0) {
        const word = text.slice(start, end)
        plain = !added.some((token) => word.includes(token))
      }
      if (plain) this.#appendPlain(text, start, end, enough, ids)
      else append(ids, this.#other(text.slice(start, end), enough - ids.length))
      start = end
    }
    return ids
  }

  #appendPlain(text: string, start: number, end: number, enough: number, ids: number[]): void {
    let at = start
    while (at < end && ids.length < enough) {
      const code = text.charCodeAt(at)
      if (CLASS[code] === SIGN) {
        append(ids, this.#signs[code]!)
        at++
        continue
      }
      let last = at + 1
      while (last < end && CLASS[text.charCodeAt(last)] === LETTER_OR_DIGIT) last++
      append(ids, this.#piece(text.slice(at, last)))
      at = last
    }
  }

  #piece(piece: string): readonly number[] {
    if (piece.length > MAX_CACHED_LENGTH) return this.#library(piece)
    let ids = this.#pieces.get(piece)
    if (ids === undefined) {
      ids = this.#library(piece)
      this.#pieces.set(piece, ids)
    }
    return ids
  }

  #other(word: string, enough: number): readonly number[] {
    if (word.length > LONG_WORD) return this.#beginning(word, enough)
    if (word.length > MAX_CACHED_LENGTH) return this.#library(word)
    let ids = this.#words.get(word)
    if (ids === undefined) {
      ids = this.#library(word)
      this.#words.set(word, ids)
    }
    return ids
  }

  /** Encodes ever more of a long stretch until the wanted tokens are out of reach of the cut. */
  #beginning(word: string, enough: number): readonly number[] {
    for (let length = LONG_WORD; length < word.length; length *= 4) {
      const ids = this.#library(word.slice(0, length))
      if (ids.length >= enough + CUT_TOKENS) return ids.slice(0, enough)
    }
    return this.#library(word)
  }
}

function append(ids: number[], more: readonly number[]): void {
  for (let i = 0; i < more.length; i++) ids.push(more[i]!)
}
