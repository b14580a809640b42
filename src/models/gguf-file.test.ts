import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../config/index.ts'
import { loadCatalogue } from './catalogue.ts'
import { ggufFileModel, isGgufPath } from './gguf-file.ts'
import { namedModel } from './named-model.ts'

const shipped = join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat', 'tandem-tiny-chat-Q8_0.gguf')

test('a GGUF file alone is a chat model under its own name', async () => {
  const model = await ggufFileModel(shipped)
  expect(model).toMatchObject({
    id: 'tandem-tiny-chat-Q8_0',
    tasks: ['chat'],
    chat: { groundedOnly: false },
    files: { gguf: [{ path: 'tandem-tiny-chat-Q8_0.gguf', sizeBytes: 33_242_656 }] },
  })
  expect((await ggufFileModel(shipped, 4096)).fingerprint).not.toBe(model.fingerprint)
})

test.each([
  ['model.gguf', /not absolute/],
  [join(PACKAGE_ROOT, 'absent.gguf'), /there is no file/],
  [join(PACKAGE_ROOT, 'models'), /there is no file/],
])('%s is refused with what is wrong', async (path, message) => {
  await expect(ggufFileModel(path)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(message),
  })
})

test.each([
  ['tandem-tiny-chat', false],
  ['C:\\models\\a.GGUF', true],
  ['/models/a.gguf', true],
])('%s is a path: %s', (name, path) => {
  expect(isGgufPath(name)).toBe(path)
})

test('a setting names a model by its id or its file, and one that does the task', async () => {
  const catalogue = await loadCatalogue([join(PACKAGE_ROOT, 'models')])
  expect((await namedModel(catalogue, 'chat', 'tandem-tiny-chat')).id).toBe('tandem-tiny-chat')
  expect((await namedModel(catalogue, 'chat', shipped, 4096)).contextTokens).toBe(4096)
  await expect(namedModel(catalogue, 'chat', 'tandem-embed-small')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'models.chat: the model "tandem-embed-small" does embed, not chat',
  })
  await expect(namedModel(catalogue, 'embed', shipped)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
