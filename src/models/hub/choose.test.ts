import { expect, test } from 'vitest'
import { weightSets } from '../layouts/weights.ts'
import { chooseWeights } from './choose.ts'

const QWEN = [
  'README.md',
  'qwen2.5-coder-7b-instruct-fp16-00001-of-00002.gguf',
  'qwen2.5-coder-7b-instruct-fp16-00002-of-00002.gguf',
  'qwen2.5-coder-7b-instruct-q4_0.gguf',
  'qwen2.5-coder-7b-instruct-q4_k_m-00001-of-00002.gguf',
  'qwen2.5-coder-7b-instruct-q4_k_m-00002-of-00002.gguf',
  'qwen2.5-coder-7b-instruct-q4_k_m.gguf',
  'qwen2.5-coder-7b-instruct-q8_0-00001-of-00002.gguf',
  'qwen2.5-coder-7b-instruct-q8_0-00002-of-00002.gguf',
  'mmproj-f16.gguf',
]
const choose = (paths: readonly string[], pattern?: string, preferred: string[] = []) =>
  chooseWeights(weightSets(paths, 'gguf'), pattern, preferred)

test.each<[string | undefined, string[]]>([
  [undefined, ['qwen2.5-coder-7b-instruct-q4_k_m.gguf']],
  ['Q4_K_M', ['qwen2.5-coder-7b-instruct-q4_k_m.gguf']],
  ['q4_0', ['qwen2.5-coder-7b-instruct-q4_0.gguf']],
  ['*q8_0*', [QWEN[7]!, QWEN[8]!]],
  ['fp16', [QWEN[1]!, QWEN[2]!]],
])('GGUF, %s', (pattern, files) => {
  expect(choose(QWEN, pattern)).toMatchObject({ chosen: { files } })
})

test.each<[string, string | undefined, number, RegExp]>([
  ['several match', 'q', 4, /several match "q"/],
  ['nothing matches', 'q9', 4, /nothing matches "q9"/],
])('%s: the candidates', (_, pattern, count, why) => {
  const choice = choose(QWEN, pattern)
  expect(choice).toMatchObject({ why: expect.stringMatching(why) })
  expect('candidates' in choice && new Set(choice.candidates.map(({ label }) => label)).size).toBe(count)
})

test('two models in one repository, neither the obvious one', () => {
  expect(choose(['a-q4_k_m.gguf', 'b-q4_k_m.gguf'])).toMatchObject({
    candidates: [{ files: ['a-q4_k_m.gguf'] }, { files: ['b-q4_k_m.gguf'] }],
  })
  expect(choose(['a-q4_k_m.gguf', 'b-q4_k_m.gguf'], 'b-*')).toMatchObject({
    chosen: { files: ['b-q4_k_m.gguf'] },
  })
})

test("a known entry's pattern goes first", () => {
  expect(choose(QWEN, undefined, ['*q8_0*'])).toMatchObject({ chosen: { label: 'q8_0' } })
  expect(choose(QWEN, undefined, ['*nothing*'])).toMatchObject({ chosen: { label: 'q4_k_m' } })
})

test.each([
  [
    'x64',
    ['onnx/model.onnx', 'onnx/model_quantized.onnx', 'onnx/model_fp16.onnx'],
    'onnx/model_quantized.onnx',
  ],
  [
    'x64',
    ['onnx/model.onnx', 'onnx/model_O4.onnx', 'onnx/model_qint8_avx512_vnni.onnx'],
    'onnx/model_qint8_avx512_vnni.onnx',
  ],
  [
    'arm64',
    ['onnx/model.onnx', 'onnx/model_qint8_avx512.onnx', 'onnx/model_qint8_arm64.onnx'],
    'onnx/model_qint8_arm64.onnx',
  ],
  ['x64', ['onnx/model.onnx', 'onnx/model_O4.onnx', 'onnx/model_qint8_arm64.onnx'], 'onnx/model.onnx'],
])('ONNX on %s: %j', (arch, paths, expected) => {
  expect(weightSets(paths, 'onnx', arch)[0]?.label).toBe(expected)
})

test('weights that lie beside an ONNX file come with it; a tokenizer in IR is no model', () => {
  const onnx = ['onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/model.onnx_data_1', 'onnx/model_q4.onnx']
  expect(weightSets(onnx, 'onnx')[0]?.files).toEqual(onnx.slice(0, 3))
  const ir = ['openvino_tokenizer.xml', 'openvino_tokenizer.bin', 'openvino_model.xml', 'openvino_model.bin']
  expect(weightSets(ir, 'openvino-ir').map(({ files }) => files)).toEqual([ir.slice(2)])
})
