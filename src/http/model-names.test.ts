import { describe, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import { findModel, findModelFor } from './model-names.ts'
import { CHAT, EMBED } from './testing/doubles.ts'

const known = (aliases: Record<string, string> = {}) => ({
  models: () => [CHAT, EMBED, { ...CHAT, id: 'org/model@v2' }],
  config: Config.parse({ models: { aliases } }),
})

describe('names', () => {
  test.each([
    ['tiny-chat', 'tiny-chat', undefined],
    ['tiny-chat@demo', 'tiny-chat', 'demo'],
    ['org/model@v2', 'org/model@v2', undefined],
    ['org/model@v2@my project', 'org/model@v2', 'my project'],
  ])('%s means %s and project %s', (name, id, project) => {
    const found = findModel(known(), name)
    expect([found.model.id, found.project]).toEqual([id, project])
  })

  test.each([
    ['tiny-chta', 'tiny-chat'],
    ['chat', 'tiny-chat'],
    ['tiny-chat@', 'tiny-chat'],
    ['Tiny-Chat', 'tiny-chat'],
    ['small-embedd@demo', 'small-embed'],
  ])('%s is unknown; %s is named', (name, nearest) => {
    expect(() => findModel(known(), name)).toThrow(
      expect.objectContaining({
        code: 'MODEL_NOT_FOUND',
        param: 'model',
        message: expect.stringContaining(nearest),
      }),
    )
  })

  test('a model that does another task is refused with those that do it', () => {
    expect(() => findModelFor(known(), 'small-embed', 'chat')).toThrow(
      /does not serve chat; these do: tiny-chat/,
    )
  })
})

describe('aliases', () => {
  const names = known({
    'gpt-4o': 'tiny-chat',
    'claude-*': 'tiny-chat',
    'claude-x@2024': 'org/model@v2',
    'tiny-chat': 'small-embed',
    dead: 'gone',
  })

  test.each([
    ['gpt-4o', 'tiny-chat', undefined],
    ['gpt-4o@demo', 'tiny-chat', 'demo'],
    ['claude-opus', 'tiny-chat', undefined],
    ['claude-opus@demo', 'tiny-chat', 'demo'],
    ['claude-opus@', 'tiny-chat', undefined],
    ['claude-x@2024', 'org/model@v2', undefined],
    ['tiny-chat', 'tiny-chat', undefined], // a model that is here keeps its name
  ])('%s means %s and project %s', (name, id, project) => {
    const found = findModel(names, name)
    expect([found.model.id, found.project]).toEqual([id, project])
  })

  test('one that leads nowhere says where to', () => {
    expect(() => findModel(names, 'dead')).toThrow(
      /^there is no model "dead"; models\.aliases maps it to "gone", which no one serves$/,
    )
  })

  test('an unknown name learns of them, and of the nearest', () => {
    expect(() => findModel(names, 'gpt-4')).toThrow(/did you mean gpt-4o\?; models\.aliases in the conf/)
  })
})
