import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { vectorOf } from '../samples.suite.ts'
import { VectorMatrix } from './matrix.ts'

const cosine = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, at) => sum + value * b[at]!, 0)

describe('the vector matrix', () => {
  test.each([1, 7, 8, 384, 1000])(
    'with %i dimensions its cosines are those of the vectors, rounded',
    (dimensions) => {
      const matrix = new VectorMatrix(dimensions, 4)
      const vectors = Array.from({ length: 1500 }, (_, id) => vectorOf(`vector ${id}`, dimensions))
      for (const [id, vector] of vectors.entries()) matrix.put(id, vector)
      const query = vectorOf('query', dimensions)
      const { cosineOf } = matrix.scan(query, 10)
      for (const [id, vector] of vectors.entries())
        expect(cosineOf(id)).toBeCloseTo(cosine(vector, query), 1.5)
    },
  )

  test('finds the same ten as an exact scan, but for ties within the rounding', () => {
    const matrix = new VectorMatrix(384)
    const vectors = Array.from({ length: 3000 }, (_, id) => vectorOf(`text ${id}`, 384))
    for (const [id, vector] of vectors.entries()) matrix.put(id, vector)
    const query = vectorOf('text 17', 384)
    const exact = vectors.map((vector) => cosine(vector, query)).sort((a, b) => b - a)
    const { nearest } = matrix.scan(query, 10)
    expect(nearest[0]).toBe(17)
    for (const id of nearest) expect(cosine(vectors[id]!, query)).toBeGreaterThan(exact[9]! - 0.005)
  })

  test('after any puts and removes it holds what a map holds', () => {
    const operation = fc.record({ id: fc.nat(40), put: fc.boolean(), version: fc.nat(3) })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const matrix = new VectorMatrix(16, 2)
        const expected = new Map<number, Float32Array>()
        for (const { id, put, version } of operations) {
          const vector = vectorOf(`${id} ${version}`, 16)
          if (put) {
            matrix.put(id, vector)
            expected.set(id, vector)
          } else {
            matrix.remove(id)
            expected.delete(id)
          }
        }
        const query = vectorOf('query', 16)
        const { nearest, cosineOf } = matrix.scan(query, 100)
        expect([...nearest].sort((a, b) => a - b)).toEqual([...expected.keys()].sort((a, b) => a - b))
        for (let id = 0; id <= 40; id += 1) {
          const vector = expected.get(id)
          if (vector) expect(cosineOf(id)).toBeCloseTo(cosine(vector, query), 1.5)
          else expect(cosineOf(id)).toBeUndefined()
        }
      }),
    )
  })
})
