import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../config/index.ts'
import { TandemError } from '../domain/index.ts'
import { fingerprintOf } from './fingerprint.ts'
import { type Manifest, parseManifest } from './manifest.ts'

const read = (id: string): string =>
  readFileSync(join(PACKAGE_ROOT, 'models', id, 'tandem.model.json'), 'utf8')
const embed = (): Manifest => parseManifest(read('tandem-embed-small'), 'x')
const chat = (): Manifest => parseManifest(read('tandem-tiny-chat'), 'x')

/** A deep copy with one value at a dotted path replaced, or removed by `undefined`. */
function change(manifest: Manifest, path: string, value: unknown): Manifest {
  const copy = structuredClone(manifest)
  const keys = path.split('.')
  const last = keys.pop()!
  // biome-ignore lint/suspicious/noExplicitAny: walks any path of a manifest, also to wrong values
  const parent = keys.reduce((node: any, key) => node[key], copy)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

function errorOf(manifest: unknown): TandemError {
  try {
    parseManifest(JSON.stringify(manifest), '/models/m/tandem.model.json')
  } catch (error) {
    if (error instanceof TandemError) return error
  }
  throw new Error('no TandemError was thrown')
}

test.each([
  ['embedding.pooling', 'max', /embedding\.pooling: .*"mean"\|"cls"\|"last"/],
  ['embedding.text.prefix', 'q', /embedding\.text: unknown "prefix"; allowed: splitCamelCase, .*queryPrefix/],
  ['size', 1, /unknown "size"; allowed: id, title, revision/],
  ['files.onnx.0.sha', 'q', /files\.onnx\.0: unknown "sha"; allowed: path, sizeBytes, sha256/],
  ['files.safetensors', [], /files: unknown "safetensors"; allowed: onnx, openvino-ir, gguf, remote/],
  ['files', {}, /files: at least one of onnx, openvino-ir, gguf, remote/],
  ['files.onnx.0.path', '../secret', /files\.onnx\.0\.path: a path inside the model folder/],
  ['files.onnx.0.path', '/etc/passwd', /files\.onnx\.0\.path/],
  ['files.onnx.0.path', 'C:\\model.onnx', /files\.onnx\.0\.path/],
  ['files.onnx.0.path', 'a/./b', /files\.onnx\.0\.path/],
  ['files.onnx.0.sha256', 'ABC', /files\.onnx\.0\.sha256: 64 lower-case hexadecimal digits/],
  ['files.onnx.1.path', 'vocab.txt', /files\.onnx: must list a tokenizer\.json/],
  ['files.onnx.1.sha256', 'a'.repeat(64), /files: every format must use the same tokenizer\.json/],
  ['contextTokens', 0, /contextTokens: .*>=1/],
  ['contextTokens', undefined, /contextTokens: .*expected (int|number)/],
  ['tasks', ['embed', 'sing'], /tasks\.1: .*"chat"\|"embed"\|"rerank"\|"classify"/],
  ['tasks', ['embed', 'chat'], /chat: required, because tasks has "chat"/],
  ['tasks', ['embed', 'rerank'], /rerank: required, because tasks has "rerank"/],
  ['tasks', ['classify'], /classify: required, because tasks has "classify"/],
  ['rerank', { activation: 'softmax' }, /rerank\.activation: .*"sigmoid"\|"none"/],
  ['rerank', { activation: 'none', labels: [] }, /rerank: unknown "labels"; allowed: activation/],
  ['classify', { labels: [], multiLabel: false }, /classify\.labels: /],
  ['classify', { labels: ['a', ''], multiLabel: false }, /classify\.labels\.1: /],
  ['classify', { labels: ['a'] }, /classify\.multiLabel: /],
  ['embedding', undefined, /embedding: required, because tasks has "embed"/],
  ['embedding.shorterDimensions', [384], /embedding\.shorterDimensions: each less than dimensions/],
  ['id', 'a b', /id: letters, digits and/],
])('a wrong %s = %j is refused with the field and what is allowed', (path, value, message) => {
  const error = errorOf(change(embed(), path, value))
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.message).toMatch(/^\/models\/m\/tandem\.model\.json: /)
  expect(error.message).toMatch(message)
})

test('text that is not JSON is refused with the file', () => {
  expect(() => parseManifest('{"id": ', '/models/m/tandem.model.json')).toThrow(
    /^\/models\/m\/tandem\.model\.json: not valid JSON: /,
  )
})

test.each([
  ['id', 'other'],
  ['revision', '2'],
  ['contextTokens', 256],
  ['embedding.pooling', 'cls'],
  ['embedding.normalize', false],
  ['embedding.dimensions', 128],
  ['embedding.text.splitCamelCase', false],
  ['embedding.text.maxWordLength', 99],
  ['embedding.text.maxWordLength', undefined],
  ['embedding.text.queryPrefix', 'query: '],
  ['embedding.text.passagePrefix', 'passage: '],
  ['files.onnx.1.sha256', 'a'.repeat(64)],
])('%s = %j changes the fingerprint of an encoder', (path, value) => {
  expect(fingerprintOf(change(embed(), path, value))).not.toBe(fingerprintOf(embed()))
})

test.each([
  ['title', 'another'],
  ['license', 'MIT'],
  ['parameters', 1],
  ['classify', { labels: ['a', 'b'], multiLabel: true }],
  ['embedding.shorterDimensions', []],
  ['files.onnx.0.sha256', 'a'.repeat(64)],
  ['files.onnx.0.sizeBytes', 1],
  ['files.onnx', undefined],
  ['files.openvino-ir', undefined],
])('%s = %j leaves the fingerprint of an encoder', (path, value) => {
  expect(fingerprintOf(change(embed(), path, value))).toBe(fingerprintOf(embed()))
})

test('the fingerprint of a decoder follows its weights', () => {
  const fingerprint = fingerprintOf(chat())
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
  expect(fingerprintOf(change(chat(), 'files.gguf.0.sha256', 'a'.repeat(64)))).not.toBe(fingerprint)
  expect(fingerprintOf(change(chat(), 'contextTokens', 4096))).not.toBe(fingerprint)
  expect(fingerprintOf(change(chat(), 'title', 'another'))).toBe(fingerprint)
})
