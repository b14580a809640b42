import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { TextPreparation } from '../../domain/index.ts'
import { textPreparer } from './prepare.ts'
import { createEncoderTokenizer } from './tokenizer.ts'

const json = readFileSync(join(PACKAGE_ROOT, 'models/tandem-embed-small/tokenizer.json'), 'utf8')
const library = new Tokenizer(JSON.parse(json), {})
const preparation: TextPreparation = {
  splitCamelCase: true,
  maxWordLength: 100,
  queryPrefix: '',
  passagePrefix: '',
}
const raw: TextPreparation = { splitCamelCase: false, queryPrefix: '', passagePrefix: '' }
const NO_LIMIT = 1_000_000

const libraryIds = (text: string): number[] => library.encode(text).ids

const piece = fc.oneof(
  fc.constantFrom(
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\f',
    '\v',
    '\0',
    '\u0085',
    '\u00a0',
    '\u200b',
    '\u2028',
    '\ufeff',
  ),
  fc.constantFrom('[CLS]', '[SEP]', '[MASK', ']', '[', '[cls]', '[UNK]', '[PAD]x'),
  fc.constantFrom('parseJwtExpiry', 'HTTPServer', 'URLs', 'sha256Sum', 'a+b<c>=d', '__init__', '0xDEADBEEF'),
  fc.constantFrom(
    'ΑΣ',
    "Σ'",
    'Σ.Σ',
    'İ',
    'ß',
    'Ǆ',
    'é',
    'e\u0301',
    '\u0301',
    '한국어',
    'かな',
    '漢字',
    '𠀀',
    '豈',
    '≠',
  ),
  fc.constantFrom('👩‍💻', '🇩🇪', '\ud800', '\udc00', '\ufffd', '\ue000', '—', '、', '“', '½', '٣'),
  fc.integer({ min: 90, max: 130 }).map((n) => 'a'.repeat(n)),
  fc.integer({ min: 90, max: 130 }).map((n) => 'é'.repeat(n)),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary-ascii' }),
  fc.stringMatching(/^[a-zA-Z0-9_$.(){}]{1,30}$/),
)
const anyText = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))

test.each([
  ['prepared', preparation],
  ['raw', raw],
])('ids equal those of the library for any %s text', (_, how) => {
  const tokenizer = createEncoderTokenizer(json, how, NO_LIMIT)
  const prepare = textPreparer(how)
  fc.assert(
    fc.property(anyText, (text) => {
      const expected = libraryIds(prepare(text))
      expect(tokenizer.encode(text, 'passage')).toEqual({ ids: expected, truncated: false })
      expect(tokenizer.encode(text, 'query').ids).toEqual(expected) // now from the cache
    }),
    { numRuns: 3_000 },
  )
})

test('ids equal those of the library for any single character in a word', () => {
  const tokenizer = createEncoderTokenizer(json, raw, NO_LIMIT)
  const wrong: string[] = []
  for (let code = 0; code < 0x3000; code++) {
    const text = `ab${String.fromCharCode(code)}cd`
    if (String(tokenizer.encode(text, 'passage').ids) !== String(libraryIds(text)))
      wrong.push(code.toString(16))
  }
  expect(wrong).toEqual([])
})

test('a cut text keeps the first tokens and its special tokens', () => {
  const unlimited = createEncoderTokenizer(json, preparation, NO_LIMIT)
  fc.assert(
    fc.property(anyText, fc.integer({ min: 2, max: 20 }), (text, limit) => {
      const all = unlimited.encode(text, 'passage').ids
      const cut = createEncoderTokenizer(json, preparation, limit).encode(text, 'passage')
      expect(cut.truncated).toBe(all.length > limit)
      expect(cut.ids).toEqual(all.length > limit ? [...all.slice(0, limit - 1), 3] : all)
    }),
    { numRuns: 20 },
  )
})

test.each([
  ['no white space, beyond ASCII', `${'const é=f(x,"漢字");'.repeat(20_000)}`],
  ['no white space, control characters', 'ab\u0001,'.repeat(100_000)],
  ['ideographs', '漢字'.repeat(100_000)],
  ['combining marks only', '\u0301'.repeat(100_000)],
  ['one ASCII word', 'x'.repeat(1_000_000)],
  ['blank', ' \n'.repeat(1_000_000)],
])('a huge text is cut where the library would be: %s', (_, text) => {
  const ids = createEncoderTokenizer(json, preparation, 512).encode(text, 'passage').ids
  const expected = libraryIds(textPreparer(preparation)(text.slice(0, 40_000)))
  expect(ids).toEqual(expected.length > 512 ? [...expected.slice(0, 511), 3] : expected)
})

test('prefixes come before the text', () => {
  const prefixed = { ...preparation, queryPrefix: 'query: ', passagePrefix: 'passage: ' }
  const tokenizer = createEncoderTokenizer(json, prefixed, 512)
  expect(tokenizer.encode('a b', 'query').ids).toEqual(libraryIds('query: a b'))
  expect(tokenizer.encode('a b', 'passage').ids).toEqual(libraryIds('passage: a b'))
})

test('ids of a client get the special tokens and are cut', () => {
  const tokenizer = createEncoderTokenizer(json, preparation, 5)
  expect(tokenizer.vocabularySize).toBe(16_384)
  expect(tokenizer.wrap([7, 8, 9])).toEqual({ ids: [2, 7, 8, 9, 3], truncated: false })
  expect(tokenizer.wrap([7, 8, 9, 10])).toEqual({ ids: [2, 7, 8, 9, 3], truncated: true })
})

test('a tokenizer of another kind is left to the library', () => {
  const file = JSON.parse(json)
  const whitespace = JSON.stringify({ ...file, pre_tokenizer: { type: 'WhitespaceSplit' } })
  const other = new Tokenizer(JSON.parse(whitespace), {})
  const tokenizer = createEncoderTokenizer(whitespace, preparation, 512)
  const ids = tokenizer.encode('a+b=c fooBar', 'passage').ids
  expect(ids).toEqual(other.encode('a+b=c foo Bar').ids)
  expect(ids).not.toEqual(libraryIds('a+b=c foo Bar'))
})
