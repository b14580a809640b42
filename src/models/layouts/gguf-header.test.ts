import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ggufFile } from '../../../test/support/gguf.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import { readGgufHeader } from './gguf-header.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-gguf-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function read(content: Buffer) {
  const file = join(folder, 'a.gguf')
  await writeFile(file, content)
  return readGgufHeader(file)
}

test('the shipped chat model: architecture, window, template, the number of its parameters', async () => {
  const file = join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat', 'tandem-tiny-chat-Q8_0.gguf')
  const { architecture, values, parameters } = await readGgufHeader(file)
  expect(values.get(`${architecture}.context_length`)).toBe(2048)
  expect(values.get('tokenizer.chat_template')).toContain('messages')
  expect(Math.round(parameters / 1e6)).toBe(31)
})

test('lists longer than one read are passed over', async () => {
  const tokens = Array.from({ length: 200_000 }, (_, i) => `token ${i}`)
  const file = ggufFile(
    { 'general.architecture': 'bert', 'tokenizer.ggml.tokens': tokens, 'bert.pooling_type': 2, 'a.b': true },
    { one: [3, 4], two: [5] },
  )
  const { architecture, values, parameters } = await read(file)
  expect({ architecture, parameters }).toEqual({ architecture: 'bert', parameters: 17 })
  expect(values.get('bert.pooling_type')).toBe(2)
  expect(values.get('a.b')).toBe(true)
})

test.each([
  ['another kind of file', Buffer.from('PK..............................'), /does not begin with GGUF/],
  ['an old version', Buffer.from('GGUF\u0001\0\0\0'.padEnd(64, '\0')), /version is 1/],
  ['a cut file', ggufFile({ 'general.architecture': 'llama' }).subarray(0, 40), /ends within its header/],
  ['absurd counts', Buffer.concat([Buffer.from('GGUF\u0003\0\0\0'), Buffer.alloc(32, 0x7f)]), /entries/],
])('%s is refused', async (_, content, message) => {
  await expect(read(content)).rejects.toMatchObject({
    code: 'MODEL_UNSERVABLE',
    message: expect.stringMatching(message),
  })
})
