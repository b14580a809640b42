import { describe, expect, test } from 'vitest'
import { Aliases, aliasOf, exactAlias, plainAliases } from './aliases.ts'

const aliases = Aliases.parse({
  'gpt-4o': 'a',
  'claude-*': 'b',
  'claude-*-haiku': 'c',
  '*': 'd',
})

test.each([
  ['gpt-4o', 'a'],
  ['claude-', 'b'],
  ['claude-opus', 'b'],
  ['claude-3-haiku', 'c'],
  ['claude-haiku', 'b'], // the pattern's own letters may not overlap
  ['constructor', 'd'],
  ['claude-*', 'b'],
])('%s stands for %s', (name, id) => {
  expect(aliasOf(aliases, name)).toBe(id)
})

test('without a pattern that fits a name stands for nothing', () => {
  expect(aliasOf(Aliases.parse({ 'gpt-*': 'a' }), 'claude')).toBeUndefined()
  expect(aliasOf({}, 'toString')).toBeUndefined()
})

test('exact names leave patterns out', () => {
  expect(exactAlias(aliases, 'gpt-4o')).toBe('a')
  expect(exactAlias(aliases, 'claude-*')).toBeUndefined()
  expect(plainAliases(aliases)).toEqual(['gpt-4o'])
})

describe('refused', () => {
  test.each([
    [{ 'a*b*': 'x' }, /at most one/],
    [{ '': 'x' }, /at most one/],
    [{ a: '' }, /the id of a model/],
    [{ a: 1 }, /expected string/],
    [Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`n${at}`, 'x'])), /at most 256/],
  ])('%#', (given, why) => {
    expect(Aliases.safeParse(given).error?.message).toMatch(why)
  })
})
