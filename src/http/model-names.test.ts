import { describe, expect, test } from 'vitest'
import { findModel, findModelFor } from './model-names.ts'
import { CHAT, EMBED } from './testing/doubles.ts'

const models = [CHAT, EMBED, { ...CHAT, id: 'org/model@v2' }]

describe('names', () => {
  test.each([
    ['tiny-chat', 'tiny-chat', undefined],
    ['tiny-chat@demo', 'tiny-chat', 'demo'],
    ['org/model@v2', 'org/model@v2', undefined],
    ['org/model@v2@my project', 'org/model@v2', 'my project'],
  ])('%s means %s and project %s', (name, id, project) => {
    const found = findModel(models, name)
    expect([found.model.id, found.project]).toEqual([id, project])
  })

  test.each([
    ['tiny-chta', 'tiny-chat'],
    ['chat', 'tiny-chat'],
    ['tiny-chat@', 'tiny-chat'],
    ['Tiny-Chat', 'tiny-chat'],
    ['small-embedd@demo', 'small-embed'],
  ])('%s is unknown; %s is named', (name, nearest) => {
    expect(() => findModel(models, name)).toThrow(
      expect.objectContaining({
        code: 'MODEL_NOT_FOUND',
        param: 'model',
        message: expect.stringContaining(nearest),
      }),
    )
  })

  test('a model that does another task is refused with those that do it', () => {
    expect(() => findModelFor(models, 'small-embed', 'chat')).toThrow(
      /does not serve chat; these do: tiny-chat/,
    )
  })
})
