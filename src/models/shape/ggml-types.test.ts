import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GGML_TYPES, ggmlTypeNumber, tensorBytes } from './ggml-types.ts'

interface Bindings {
  getBlockSizeForGgmlType(type: number): number | undefined
  getTypeSizeForGgmlType(type: number): number | undefined
}

let llama: Llama
beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error })
})
afterAll(() => llama?.dispose())

test.each([...GGML_TYPES])('type %i is what llama.cpp says', (number, { block, bytes }) => {
  const { _bindings } = llama as unknown as { _bindings: Bindings }
  expect({ block, bytes }).toEqual({
    block: _bindings.getBlockSizeForGgmlType(number),
    bytes: _bindings.getTypeSizeForGgmlType(number),
  })
})

test('a row is filled up to whole blocks; an unknown type has no size', () => {
  const q4 = ggmlTypeNumber('Q4_K')!
  expect(tensorBytes(q4, [256, 3, 2])).toBe(144 * 6)
  expect(tensorBytes(q4, [257, 3])).toBe(288 * 3)
  expect(tensorBytes(99, [256])).toBeUndefined()
  expect(ggmlTypeNumber('Q9_K')).toBeUndefined()
})
