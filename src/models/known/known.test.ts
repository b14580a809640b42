import { expect, test } from 'vitest'
import { pullTarget } from '../hub/target.ts'
import { KNOWN_MODELS, knownByRepository } from './index.ts'

test('each known model has an id of its own, and traits that fit its task', () => {
  const ids = KNOWN_MODELS.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { id, tasks, embedding } of KNOWN_MODELS)
    expect(embedding !== undefined, id).toBe(tasks.includes('embed'))
})

test('what must be known is known', () => {
  const ids = KNOWN_MODELS.map(({ id }) => id)
  for (const size of ['1.5b', '3b', '7b', '14b']) expect(ids).toContain(`qwen2.5-coder-${size}`)
  expect(ids).toEqual(
    expect.arrayContaining(['bge-small', 'bge-base', 'e5-small', 'nomic-embed-text', 'jina-code-embeddings']),
  )
  expect(ids).toEqual(
    expect.arrayContaining([
      'qwen3-embedding-0.6b',
      'bge-reranker-base',
      'qwen3-coder-30b-a3b',
      'gpt-oss-20b',
    ]),
  )
})

test('a name stands for a repository, a revision and an id', () => {
  expect(pullTarget('bge-small', undefined)).toMatchObject({
    repository: 'BAAI/bge-small-en-v1.5',
    revision: 'main',
    id: 'bge-small',
    format: 'onnx',
  })
  expect(pullTarget('baai/BGE-small-en-v1.5@refs/pr/7', undefined)).toMatchObject({
    repository: 'BAAI/bge-small-en-v1.5',
    revision: 'refs/pr/7',
    id: 'bge-small',
  })
  expect(pullTarget('bge-base', 'openvino-ir')).toMatchObject({
    repository: 'OpenVINO/bge-base-en-v1.5-int8-ov',
    id: 'bge-base:openvino-ir',
  })
  expect(pullTarget('me/mine', 'gguf')).toEqual({
    repository: 'me/mine',
    revision: 'main',
    id: 'me/mine',
    preferred: [],
    format: 'gguf',
  })
  expect(knownByRepository('intfloat/E5-small-v2')?.id).toBe('e5-small')
})

test.each([
  ['me/mine@../../x', 'INVALID_REQUEST'],
  ['../etc', 'MODEL_NOT_FOUND'],
  ['a/b/c', 'MODEL_NOT_FOUND'],
  ['me/..', 'MODEL_NOT_FOUND'],
])('%s is no name', (name, code) => {
  expect(() => pullTarget(name, undefined)).toThrow(expect.objectContaining({ code }))
})

test('a format that a known model has not', () => {
  expect(() => pullTarget('gpt-oss-20b', 'onnx')).toThrow(
    /is known as gguf, not as onnx; any repository can be named/,
  )
})
