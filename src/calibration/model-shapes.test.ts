import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Config, PACKAGE_ROOT } from '../config/index.ts'
import { draftShape } from './model-shapes.ts'

const TINY = join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat', 'tandem-tiny-chat-Q8_0.gguf')

test.each([
  ['is as large as its file says', TINY, { kind: 'decoder', hidden: 512 }, []],
  [
    'is not there',
    '/nowhere/draft.gguf',
    undefined,
    [expect.stringMatching(/^llamaServer\.draft .*: how much memory/)],
  ],
])('a model that drafts %s', async (_, draft, shape, warnings) => {
  const told: string[] = []
  const read = await draftShape(Config.parse({ llamaServer: { draft } }), (message) => told.push(message))
  if (shape) expect(read).toMatchObject(shape)
  else expect(read).toBeUndefined()
  expect(told).toEqual(warnings)
})

test('nobody asked for one', async () => {
  expect(await draftShape(Config.parse({}), () => {})).toBeUndefined()
})
