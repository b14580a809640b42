import { expect, test } from 'vitest'
import { prefixFor, textPreparer } from './prepare.ts'

const preparation = { splitCamelCase: true, maxWordLength: 10, queryPrefix: 'q: ', passagePrefix: 'p: ' }
const prepare = textPreparer(preparation)

test.each([
  ['parseJwtExpiry', 'parse Jwt Expiry'],
  ['HTTPServer', 'HTTP Server'],
  ['useXMLHttp', 'use XML Http'],
  ['URLs IDs of ABCs', 'URLs IDs of ABCs'],
  ['sha256Sum', 'sha256 Sum'],
  ['größeÄndern', 'größe Ändern'],
  ['snake_case CONSTANT kebab-case', 'snake_case CONSTANT kebab-case'],
  ['', ''],
])('camelCase words are separated: %j', (text, expected) => {
  expect(textPreparer({ ...preparation, maxWordLength: 100 })(text)).toBe(expected)
})

test.each([
  ['a 0123456789 b', 'a 0123456789 b'],
  ['a 0123456789a b', 'a   b'],
  ['a.fooBarBazQux(b)', 'a. (b)'],
  ['abcde.abcde+abcde', 'abcde.abcde+abcde'],
  ['漢字漢字漢字漢字漢字漢字', '漢字漢字漢字漢字漢字漢字'],
  ['ééééééééééé', ' '],
  ['😀'.repeat(10), '😀'.repeat(10)],
  ['😀'.repeat(11), ' '],
])('longer words than the limit are dropped, before they are separated: %j', (text, expected) => {
  expect(prepare(text)).toBe(expected)
})

test('a text is left as it is where the model wants it so', () => {
  const asIs = textPreparer({ splitCamelCase: false, queryPrefix: '', passagePrefix: '' })
  expect(asIs(`parseJwt ${'x'.repeat(1000)}`)).toBe(`parseJwt ${'x'.repeat(1000)}`)
})

test('the prefix follows the purpose', () => {
  expect(prefixFor(preparation, 'query')).toBe('q: ')
  expect(prefixFor(preparation, 'passage')).toBe('p: ')
})
