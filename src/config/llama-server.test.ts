import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { splitArguments } from './llama-server.ts'
import { loadConfig } from './load.ts'

const home = mkdtempSync(join(tmpdir(), 'tandem-llama-server-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

function load(section: object, env: NodeJS.ProcessEnv = {}) {
  const file = join(home, 'own.yaml')
  writeFileSync(file, JSON.stringify({ llamaServer: section }))
  return loadConfig({ home, file, env }).config.llamaServer
}

test('it is used where it is found; arguments come as a list, or as JSON in the variable', () => {
  expect(load({})).toEqual({ enabled: true, args: [] })
  expect(load({ args: ['-fa', 'on'] }, { TANDEM_LLAMA_SERVER_ENABLED: 'false' })).toEqual({
    enabled: false,
    args: ['-fa', 'on'],
  })
  expect(load({}, { TANDEM_LLAMA_SERVER_ARGS: '["-ts","3,1"]' }).args).toEqual(['-ts', '3,1'])
})

test.each([
  [['--ctx-size=4096'], ['--ctx-size', '4096']],
  [
    ['-ts 3,1', '-fa'],
    ['-ts', '3,1', '-fa'],
  ],
  [
    ['--ctx_size', '4096'],
    ['--ctx-size', '4096'],
  ],
  [['--override-kv=a=int:1'], ['--override-kv', 'a=int:1']],
  [
    ['--chat-template-kwargs', '{"a": 1}'],
    ['--chat-template-kwargs', '{"a": 1}'],
  ],
  [
    ['-n', '-1'],
    ['-n', '-1'],
  ],
])('%j is %j', (given, expected) => {
  expect(splitArguments(given)).toEqual(expected)
})

describe('is refused with the reason', () => {
  test.each([
    [{ path: 'llama-server' }, /own\.yaml:1:\d+: llamaServer\.path: llama-server is not an absolute path/],
    [{ draft: 'small.gguf' }, /llamaServer\.draft: small\.gguf is not an absolute path/],
    [{ args: ['--port', '8080'] }, /llamaServer\.args: --port cannot be given: the address is Tandem's own/],
    [{ args: ['--host=0.0.0.0'] }, /llamaServer\.args: --host cannot be given/],
    [{ args: ['--api_key', 'x'] }, /--api-key cannot be given: nobody but Tandem asks it/],
    [{ args: ['-m', '/other.gguf'] }, /-m cannot be given: the model is the plan's/],
    [{ args: ['--fim-qwen-7b-default'] }, /--fim-qwen-7b-default cannot be given: the model is the plan's/],
    [{ args: ['--fim-qwen-7b-spec'] }, /--fim-qwen-7b-spec cannot be given: the model is the plan's/],
    [{ args: ['--embeddings'] }, /--embeddings cannot be given: it serves chats/],
    [{ args: '-fa on' }, /llamaServer\.args/],
    [{ arg: [] }, /llamaServer\.arg/],
  ])('%j', (section, expected) => {
    expect(() => load(section)).toThrow(expected)
  })
})
