import { describe, expect, test } from 'vitest'
import { checkDimensions, rows } from '../../answers/vectors.ts'
import { EMBED } from '../../testing/doubles.ts'
import { embedInputs, toBase64 } from './embed-inputs.ts'

describe('inputs', () => {
  test.each([
    ['a', ['a']],
    ['', ['']],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [[1, 2], [[1, 2]]],
    [
      [[1], [2, 3]],
      [[1], [2, 3]],
    ],
  ])('%j', (input, expected) => {
    expect(embedInputs(input, 2)).toEqual(expected)
  })

  test.each([
    [undefined, 'input'],
    [null, 'input'],
    [5, 'input'],
    [{}, 'input'],
    [[], 'input'],
    [[[]], 'input.0'],
    [['a', 1], 'input.1'],
    [[1, 'a'], 'input.1'],
    [[1, 2.5], 'input.1'],
    [[-1], 'input.0'],
    [[2 ** 31], 'input.0'],
    [[[1], 'a'], 'input.1'],
    [[[1], [1, null]], 'input.1.1'],
    [[null], 'input.0'],
  ])('%j is refused naming %s', (input, param) => {
    expect(() => embedInputs(input, 2)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }))
  })

  test('too many are 413, token ids of one text are not counted', () => {
    expect(() => embedInputs(['a', 'b', 'c'], 2)).toThrow(
      expect.objectContaining({ code: 'BATCH_TOO_LARGE', status: 413 }),
    )
    expect(embedInputs([1, 2, 3], 2)).toHaveLength(1)
  })
})

describe('vectors', () => {
  const output = {
    vectors: Float32Array.from([3, 4, 0, 12, 0, 0, 1, 0]),
    dimensions: 4,
    tokens: [5, 5],
    truncated: [],
  }

  test('rows are cut and made unit length again', () => {
    expect(rows(output, 4).map((row) => [...row])).toEqual([
      [3, 4, 0, 12],
      [0, 0, 1, 0],
    ])
    const [first, second] = rows(output, 2)
    expect([...first!]).toEqual([Math.fround(0.6), Math.fround(0.8)])
    expect([...second!]).toEqual([0, 0])
    expect([...output.vectors.subarray(0, 2)]).toEqual([3, 4])
  })

  test('base64 is little-endian float32', () => {
    const row = rows(output, 4)[1]!
    expect(Buffer.from(toBase64(row), 'base64').toString('hex')).toBe('00000000000000000000803f00000000')
  })

  test('only dimensions that the model serves are taken', () => {
    for (const asked of [4, 2, null, undefined])
      expect(() => checkDimensions(asked, EMBED.embedding)).not.toThrow()
    expect(() => checkDimensions(3, EMBED.embedding)).toThrow(/dimensions: 3 is not one of 4, 2/)
  })
})
